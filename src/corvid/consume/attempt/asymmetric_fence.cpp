// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/attempt/asymmetric_fence.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <exception>

namespace corvid::detail {

namespace {

bool command(int which) noexcept { return ::syscall(SYS_membarrier, which, 0, 0) == 0; }

} // namespace

bool fences_are_asymmetric = command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

// A registration is inherited by a fork, but not by a process that was restored from an image; without memory
// the dearest form remains. Where all were forbidden since (seccomp) nobody can say any more what other
// threads have seen.
void heavy_fence() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!fences_are_asymmetric || command(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
    if (command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) && command(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        return;
    if (!command(MEMBARRIER_CMD_GLOBAL)) std::terminate();
}

} // namespace corvid::detail

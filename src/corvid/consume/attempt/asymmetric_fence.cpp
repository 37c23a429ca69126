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

// It was registered, and a fork inherits that: it fails only where it was forbidden since (seccomp), and then
// nobody can say any more what other threads have seen.
void heavy_fence() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (fences_are_asymmetric && !command(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) std::terminate();
}

} // namespace corvid::detail

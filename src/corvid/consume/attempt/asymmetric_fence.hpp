// SPDX-License-Identifier: Apache-2.0
//
// Two fences that order stores before loads between threads, one all but free, the other dear (membarrier(2),
// some microseconds): for a flag that is raised seldom and looked at for each record.
//
//   often:   a.store(…);  light_fence();  if (b.load()) …
//   seldom:  b.store(…);  heavy_fence();  if (a.load()) …      at least one of the two sees the other's store
//
// Where the system does not offer it both are full fences. Internal.
#pragma once

#include <atomic>

namespace corvid::detail {

/// Set once, before main.
extern bool fences_are_asymmetric;

inline void light_fence() noexcept {
    if (fences_are_asymmetric) [[likely]]
        std::atomic_signal_fence(std::memory_order_seq_cst);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
}
void heavy_fence() noexcept;

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// thread_mark: tells whether two moments ran on the same thread. Internal.
#pragma once

namespace corvid::detail {

/// An address that is the calling thread's own for as long as it lives.
[[nodiscard]] inline const void* thread_mark() noexcept {
    static thread_local char mark = 0;
    return &mark;
}

} // namespace corvid::detail

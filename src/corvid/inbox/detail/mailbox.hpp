// SPDX-License-Identifier: Apache-2.0
//
// mailbox: what threads hand to one loop, in the order in which they do: one lock for as many as come at
// once, and one wake-up for all that come until the loop looks.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace corvid::inbox_detail {

template <class T>
class mailbox {
public:
    /// `put(std::vector<T>&)` appends. True: it was empty, and whoever takes from it is to be told. Any
    /// thread.
    template <class F>
    [[nodiscard]] bool fill(F&& put) {
        const std::lock_guard lock(mutex_);
        const bool was_empty = items_.empty();
        std::forward<F>(put)(items_);
        return was_empty && !items_.empty();
    }

    /// All that came.
    [[nodiscard]] std::vector<T> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(items_, {});
    }

private:
    std::mutex mutex_;
    std::vector<T> items_; // under the mutex
};

} // namespace corvid::inbox_detail

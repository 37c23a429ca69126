// SPDX-License-Identifier: Apache-2.0
//
// post_call: a function for another loop, once, after what is posted there already. For control, not for each
// record: it takes a node from the frame pool. A call that is still queued when its loop stops does not run,
// and what it holds stays allocated. Any thread.
#pragma once

#include <corvid/base/detail/frame_pool.hpp>
#include <corvid/base/scheduler.hpp>

#include <type_traits>
#include <utility>

namespace corvid {

template <class F>
void post_call(scheduler& to, F&& f) {
    struct call : work {
        explicit call(F&& given) : work(&call::run_once), function(std::forward<F>(given)) {}
        static void run_once(work& node) noexcept {
            auto& self = static_cast<call&>(node);
            auto todo = std::move(self.function);
            detail::pool_delete(&self);
            todo();
        }
        std::decay_t<F> function;
    };
    to.post(*detail::pool_new<call>(std::forward<F>(f)));
}

} // namespace corvid

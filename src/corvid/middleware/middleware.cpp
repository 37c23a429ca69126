// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/middleware.hpp>

#include <cstddef>

namespace corvid {

outcome next_call::operator()() const noexcept {
    if (at_ == path_->list.size()) return path_->call(path_->handler);
    try {
        return path_->list[at_].plain_(path_->ctx, next_call(*path_, at_ + 1));
    } catch (...) {
        return outcome_of_current_exception();
    }
}

namespace {

task<outcome> caught(task<outcome> inner) {
    try {
        co_return co_await std::move(inner);
    } catch (...) {
        co_return outcome_of_current_exception();
    }
}

task<outcome> said(outcome what) { co_return what; }

} // namespace

task<outcome> next_task::operator()() const {
    if (at_ == path_->list.size()) return path_->call_task(path_->handler);
    try {
        return caught(path_->list[at_].task_(path_->ctx, next_task(*path_, at_ + 1)));
    } catch (...) { // one that is no coroutine itself
        return said(outcome_of_current_exception());
    }
}

} // namespace corvid

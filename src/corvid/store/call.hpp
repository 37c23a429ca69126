// SPDX-License-Identifier: Apache-2.0
//
// database_call: what database's functions return: work for the database's loop that has not begun. Await it
// (`co_await db.query<int>(…)`), or start_detached it with a callback, or hand it an Asio token. Must be
// started; stays in place until it has completed.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/base/result.hpp>
#include <corvid/base/task_scope.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace corvid {

/// Where such work runs.
struct call_home {
    scheduler* loop;
    task_scope* scope;
};

template <class T>
class database_call : public operation<database_call<T>, result<T>> {
public:
    database_call(call_home home, task<result<T>> what) noexcept
        : home_of_call_(home), work_(std::move(what)) {}

    bool start() {
        home_of_call_.scope->spawn(*home_of_call_.loop, perform(*this));
        return true;
    }
    result<T> take() noexcept { return *std::move(answer_); }

private:
    static task<void> perform(database_call& self) {
        try {
            self.answer_.emplace(co_await std::move(self.work_));
        } catch (const std::exception& thrown) {
            self.answer_.emplace(
                fail(errc::handler_threw, {.message = thrown.what(), .operation = "database call"}));
        }
        self.complete();
    }

    call_home home_of_call_;
    task<result<T>> work_;
    std::optional<result<T>> answer_;
};

} // namespace corvid

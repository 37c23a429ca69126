// SPDX-License-Identifier: Apache-2.0
//
// through_chain: how a handler works on a run where its subscription has a chain: each record's attempt
// enters it, passes the user's middleware, and leaves it with its outcome.
#pragma once

#include <corvid/consume/attempt/attempts.hpp>
#include <corvid/consume/attempt/run_task.hpp>
#include <corvid/consume/context.hpp>

#include <utility>

namespace corvid::detail {

/// `Handler` has handle() or attend(), one attempt at the current record, as typed_handler has; `Message` is
/// what they decode into.
template <class Handler, class Message>
class through_chain {
    /// An attempt's call of the handler, as a chain sees it.
    struct inner_call {
        Handler& of;
        run& records;
        Message& message;
        const attempt& now;

        static outcome plain(void* self) noexcept {
            auto& c = *static_cast<inner_call*>(self);
            return c.of.handle(c.records, c.message, &c.now);
        }
        static task<outcome> awaited(void* self) {
            auto& c = *static_cast<inner_call*>(self);
            return c.of.attend(c.records, c.message, &c.now);
        }
    };

public:
    /// The run is not ended.
    static void handle_all(Handler& h, run& records, Message& message) noexcept {
        attempts through(records);
        while (records.has_next()) {
            const record_origin place = records.place();
            attempt now(through.chain(), place, records.attempt(), through.limit());
            if (!through.enter(now)) break;
            context ctx(records, &now);
            inner_call inner{h, records, message, now};
            const attempt_path path{through.chain().list(), ctx, &inner, &inner_call::plain, nullptr};
            records.complete(now.leave(next_call(path, 0)(), through.clock()));
        }
    }

    static run_task drive(Handler& h, run& records) {
        attempts through(records);
        Message message{};
        while (records.has_next()) {
            const record_origin place = records.place();
            attempt now(through.chain(), place, records.attempt(), through.limit());
            if (through.must_wait(now)) {
                const bool has_place =
                    co_await through.chain().bulkhead()->enter(); // in no condition: g++ 12
                through.waited(now, has_place);
            }
            if (through.is_refused()) break;
            context ctx(records, &now);
            inner_call inner{h, records, message, now};
            const attempt_path path{through.chain().list(), ctx, &inner, nullptr, &inner_call::awaited};
            outcome what = co_await next_task(path, 0)();
            records.complete(now.leave(std::move(what), through.clock()));
        }
    }
};

} // namespace corvid::detail

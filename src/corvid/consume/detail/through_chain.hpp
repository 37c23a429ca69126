// SPDX-License-Identifier: Apache-2.0
//
// through_chain: how a typed handler works on a run where its subscription has a chain: each record's attempt
// enters it, passes the user's middleware, and leaves it with its outcome.
#pragma once

#include <corvid/consume/context.hpp>
#include <corvid/consume/detail/attempts.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace corvid::detail {

template <class Handler, class T>
struct through_chain {
    /// An attempt's call of the function, as a chain sees it.
    struct inner_call {
        Handler& of;
        const run& records;
        const T& message;
        const T* decoded;
        context& ctx;

        static outcome plain(void* self) noexcept {
            auto& c = *static_cast<inner_call*>(self);
            try {
                if constexpr (Handler::takes_message)
                    return c.of.invoke(c.message, c.ctx);
                else
                    return c.of.invoke(Handler::envelope(c.records, c.decoded), c.ctx);
            } catch (...) {
                return outcome_of_current_exception();
            }
        }
        static task<outcome> awaited(void* self) {
            auto& c = *static_cast<inner_call*>(self);
            const auto in = Handler::envelope(c.records, c.decoded);
            try {
                if constexpr (std::is_void_v<typename Handler::answer::type>)
                    co_await c.of.call_task(c.message, in, c.ctx);
                else
                    co_return co_await c.of.call_task(c.message, in, c.ctx);
            } catch (...) {
                co_return outcome_of_current_exception();
            }
            co_return done;
        }
    };

    /// The record's message; none, and the record is completed, where there is none.
    static std::optional<const T*> decode(run& records, T& message) noexcept {
        try {
            if (auto decoded = Handler::decode(records, message))
                return *decoded;
            else
                records.complete(dead_letter(Handler::located(std::move(decoded).error(), records)));
        } catch (...) {
            records.complete(outcome_of_current_exception());
        }
        return std::nullopt;
    }

    static void handle_all(Handler& h, run& records, T& message) noexcept {
        attempts through(records);
        while (records.has_next()) {
            const auto decoded = decode(records, message);
            if (!decoded) break;
            const record_origin place = records.place();
            attempt now(through.chain(), place, records.attempt(), through.limit());
            if (!through.enter(now)) break;
            context ctx(records, &now);
            inner_call inner{h, records, message, *decoded, ctx};
            const attempt_path path{through.chain().list(), ctx, &inner, &inner_call::plain, nullptr};
            records.complete(now.leave(next_call(path, 0)(), through.clock()));
        }
        records.end();
    }

    static task<void> drive(Handler& h, run& records) {
        attempts through(records);
        T message{};
        while (records.has_next()) {
            const auto decoded = decode(records, message);
            if (!decoded) break;
            const record_origin place = records.place();
            attempt now(through.chain(), place, records.attempt(), through.limit());
            if (through.must_wait(now)) {
                const bool has_place =
                    co_await through.chain().bulkhead()->enter(); // in no condition: g++ 12
                through.waited(now, has_place);
            }
            if (through.is_refused()) break;
            context ctx(records, &now);
            inner_call inner{h, records, message, *decoded, ctx};
            const attempt_path path{through.chain().list(), ctx, &inner, nullptr, &inner_call::awaited};
            outcome what = co_await next_task(path, 0)();
            records.complete(now.leave(std::move(what), through.clock()));
        }
        records.end();
    }
};

} // namespace corvid::detail

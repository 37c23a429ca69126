// SPDX-License-Identifier: Apache-2.0
//
// redis_marks: marks of processed events in Redis, for effects that are in no SQL database. BEST EFFORT: mark
// and effect are two steps, so nothing here is exactly once. An event is taken with a lease, and marked done
// after its effect:
//
//   the process dies in between       the lease ends, and the event is processed again
//   the effect outlasts the lease     another may process the event at the same time
//   Redis fails over, or is killed    it forgets what it had not replicated or written (AOF everysec: up to
//   about
//                                     a second), and those events are processed again
//
// An event is never lost by it: unmarked is processed. Not for money: put marks and effects into one SQL
// database (inbox/inbox.hpp), or give the effect an idempotency key of its own.
#pragma once

#include <corvid/inbox/event_mark.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/store/redis/redis.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>

namespace corvid {

struct redis_mark_settings {
    std::string group = {};
    std::chrono::milliseconds lease{30'000};               ///< longer than any effect takes
    std::chrono::seconds retention = std::chrono::days{7}; ///< how long an event is known
    std::string prefix = "corvid:processed:";              ///< of keys: `<prefix><group>:<event id>`
    std::uint64_t seed = 0;                                ///< of leases' names; 0: from the system
};

class redis_marks {
public:
    /// Throws config_error for a lease or retention that is not above 0. `to` and `figures` outlive it.
    redis_marks(redis& to, redis_mark_settings settings, metrics* figures = nullptr);

    /// Runs `effect` on the caller's loop unless the event is marked done; it returns void, result<void>, or
    /// a task of these. Its error frees the event and is handed on. database_busy while another has the event
    /// in hand: ask again later. After database_unreachable the effect may have run: call again, it may run
    /// again.
    template <class F>
    [[nodiscard]] task<result<processing>> process_if_new(std::string event_id, F effect);

private:
    struct claim {
        std::string key, token;
        bool is_new;
    };
    [[nodiscard]] task<result<claim>> take(std::string event_id);
    [[nodiscard]] task<result<processing>> finish(claim taken);
    task<void> give_back(claim taken);
    template <class F>
    static task<result<void>> run(F& effect);

    redis& redis_;
    redis_mark_settings settings_;
    std::shared_ptr<std::atomic<std::uint64_t>> leases_;
    counter processed_, duplicates_;
};

template <class F>
task<result<void>> redis_marks::run(F& effect) {
    using answered = std::invoke_result_t<F&>;
    try {
        if constexpr (std::is_void_v<answered>) {
            effect();
            co_return result<void>{};
        } else if constexpr (std::same_as<answered, result<void>>) {
            co_return effect();
        } else if constexpr (std::same_as<answered, task<void>>) {
            co_await effect();
            co_return result<void>{};
        } else {
            static_assert(std::same_as<answered, task<result<void>>>,
                          "corvid: the effect returns void, result<void>, or a task of one of these");
            co_return co_await effect();
        }
    } catch (const std::exception& thrown) {
        co_return fail(errc::handler_threw, {.message = thrown.what(), .operation = "process_if_new"});
    }
}

template <class F>
task<result<processing>> redis_marks::process_if_new(std::string event_id, F effect) {
    auto taken = co_await take(std::move(event_id));
    if (!taken) co_return fail(std::move(taken.error()));
    if (!taken->is_new) co_return processing::already_processed;
    auto done = co_await run(effect);
    if (!done) {
        co_await give_back(*std::move(taken));
        co_return fail(std::move(done.error()));
    }
    co_return co_await finish(*std::move(taken));
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// fan_out: several handlers for each record of one subscription:
//
//   service.fan_out<order_placed>("orders", corvid::to_all(
//       [&](const order_placed& o) { stock.reserve(o); },
//       [&](const order_placed& o, corvid::context& ctx) -> corvid::task<void> { co_await mail.send(o); }));
//
// They run in the order of the list, each as typed_handler.hpp says, and each whatever the others say. The
// record is done when all are, with all that they published; it is skipped if all skip.
//
// There is one failure policy, the subscription's, and one count of attempts, the record's. A handler that
// fails is tried again alone: those that are done are not called again for the record in this process, while
// its key waits. (After a crash or a rebalance all are called, and when a publish failed, for it is not known
// whose it was.) Of what they say the gravest counts: stop, then retry, then dead_letter; so a record that
// one rejects goes to the dead letters, once, when the others are done or the attempts are used up. A policy
// and a pace for each handler are groups of their own: subscribe twice.
//
// What they publish has the ids `<event id>/<place in the list>.<n>`. Either all are corvid::blocking or none
// is.
#pragma once

#include <corvid/consume/typed_handler.hpp>

#include <array>
#include <tuple>

namespace corvid {

template <class... F>
struct all_functions {
    std::tuple<F...> functions;
};
/// The handlers of a fan_out.
template <class... F>
[[nodiscard]] all_functions<F...> to_all(F... functions) {
    static_assert(sizeof...(F) > 0, "corvid: to_all() takes a handler or more");
    return {{std::move(functions)...}};
}

namespace detail {
/// What becomes of the record, of what its handlers said: `so_far` and the next.
[[nodiscard]] outcome graver(outcome so_far, outcome next) noexcept;
} // namespace detail

template <Message T, class... F>
class fan_out_handler final : public handler {
    template <class One>
    using call = typed_handler<T, One>;
    static constexpr std::size_t count = sizeof...(F);
    static constexpr bool has_tasks = (false || ... || call<F>::is_task);
    static_assert(count <= 64, "corvid: a fan_out has 64 handlers at most");
    static_assert((true && ... && call<F>::blocks) || !(false || ... || call<F>::blocks),
                  "corvid: either all handlers of a fan_out are corvid::blocking, or none is");

public:
    static constexpr bool blocks = (false || ... || call<F>::blocks);

    /// All runs have ended before this handler goes.
    explicit fan_out_handler(all_functions<F...> given)
        : calls_(std::apply(
              [&](auto&... each) { return std::make_tuple(std::make_unique<call<F>>(std::move(each))...); },
              given.functions)) {}

    void start(run& records) noexcept override {
        if constexpr (has_tasks) {
            (records.origin().chain ? chained::drive(*this, records) : drive(records)).start();
        } else {
            handle_all(records);
        }
    }
    [[nodiscard]] bool is_for_workers() const noexcept override { return !blocks; }
    [[nodiscard]] bool is_immediate() const noexcept override { return !has_tasks && !blocks; }
    [[nodiscard]] bool is_coroutine() const noexcept override { return has_tasks; }

    /// One attempt at the current record, as typed_handler has it.
    outcome handle(run& records, T& message, const attempt* within = nullptr) noexcept {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            outcome all = skip;
            ((all = detail::graver(std::move(all), handle_one<I>(records, message, within))), ...);
            return over(records, std::move(all));
        }(std::index_sequence_for<F...>{});
    }
    task<outcome> attend(run& records, T& message, const attempt* within = nullptr) {
        static constexpr auto calls = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<task_call, count>{&fan_out_handler::template attend_one<I>...};
        }(std::index_sequence_for<F...>{});
        outcome all = skip;
        for (const task_call each : calls) {
            outcome said = co_await each(*this, records, message, within);
            all = detail::graver(std::move(all), std::move(said));
        }
        co_return over(records, std::move(all));
    }

private:
    using chained = detail::through_chain<fan_out_handler, T>;
    using task_call = task<outcome> (*)(fan_out_handler&, run&, T&, const attempt*);

    static constexpr std::uint64_t bit(std::size_t which) noexcept { return std::uint64_t{1} << which; }

    /// What `which` said, or that it had said so before.
    static outcome noted(run& records, std::size_t which, outcome said) noexcept {
        if (said == verdict::done || said == verdict::skip) records.remember(records.memo() | bit(which));
        return said;
    }
    /// All have spoken.
    static outcome over(run& records, outcome all) noexcept {
        if (all == verdict::done || all == verdict::skip) records.remember(0);
        return all;
    }

    void handle_all(run& records) noexcept {
        {
            const typename detail::spares<T>::loan message(messages_, records.seat());
            if (records.origin().chain)
                chained::handle_all(*this, records, *message);
            else
                while (records.has_next())
                    records.complete(handle(records, *message));
        }
        records.end();
    }
    template <std::size_t I>
    outcome handle_one(run& records, T& message, const attempt* within) noexcept {
        if ((records.memo() & bit(I)) != 0) return done;
        records.enter_part(I + 1);
        return noted(records, I, std::get<I>(calls_)->handle(records, message, within));
    }
    template <std::size_t I>
    static task<outcome> attend_one(fan_out_handler& self, run& records, T& message, const attempt* within) {
        using one = typename std::tuple_element_t<I, decltype(calls_)>::element_type;
        if ((records.memo() & bit(I)) != 0) co_return done;
        if constexpr (one::is_task) {
            records.enter_part(I + 1);
            outcome said = co_await std::get<I>(self.calls_)->attend(records, message, within);
            co_return noted(records, I, std::move(said));
        } else {
            co_return self.template handle_one<I>(records, message, within);
        }
    }
    detail::run_task drive(run& records) {
        T message{};
        while (records.has_next()) {
            outcome all = co_await attend(records, message);
            records.complete(std::move(all));
        }
    }

    std::tuple<std::unique_ptr<call<F>>...> calls_;
    detail::spares<T> messages_;
};

namespace detail {
template <class T, class Functions>
struct fan_out_of;
template <class T, class... F>
struct fan_out_of<T, all_functions<F...>> {
    using type = fan_out_handler<T, F...>;
};
} // namespace detail
/// That of an all_functions.
template <Message T, class Functions>
using fan_out_handler_of = typename detail::fan_out_of<T, Functions>::type;

} // namespace corvid

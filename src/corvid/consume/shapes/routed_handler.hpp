// SPDX-License-Identifier: Apache-2.0
//
// routed_handler: the engine's handler behind router.hpp: finds the type of each record and calls the
// typed_handler of that type, or what the user said of other types.
#pragma once

#include <corvid/consume/shapes/event_type.hpp>
#include <corvid/consume/typed_handler.hpp>

#include <array>
#include <tuple>

namespace corvid {

namespace detail {

/// What becomes of a record that no route takes.
template <class F>
class other_types {
    static_assert(std::invocable<F&, std::string_view, context&>,
                  "corvid: otherwise() takes corvid::dead_letter, skip, done or stop, or a function of "
                  "(std::string_view type, corvid::context&)");
    using answer = task_value<std::invoke_result_t<F&, std::string_view, context&>>;
    static_assert(std::is_void_v<typename answer::type> ||
                      std::convertible_to<typename answer::type, outcome>,
                  "corvid: a handler returns nothing, a corvid::outcome, or a corvid::task of either");

public:
    static constexpr bool is_task = answer::is_task;

    explicit other_types(F function) : function_(std::move(function)) {}

    outcome handle(run& records, std::string_view type) noexcept {
        try {
            context ctx(records);
            if constexpr (std::is_void_v<typename answer::type>) {
                function_(type, ctx);
                return done;
            } else {
                return function_(type, ctx);
            }
        } catch (...) {
            return outcome_of_current_exception();
        }
    }
    task<outcome> attend(run& records, std::string_view type) {
        context ctx(records);
        outcome what = done;
        try {
            if constexpr (std::is_void_v<typename answer::type>)
                co_await function_(type, ctx);
            else
                what = co_await function_(type, ctx);
        } catch (...) {
            what = outcome_of_current_exception();
        }
        co_return what;
    }

private:
    F function_;
};

/// A verdict for each of them; dead_letter and stop with the type as the reason.
struct verdict_for_other_types {
    verdict which;
    outcome operator()(std::string_view type, context&) const {
        if (which == verdict::done || which == verdict::skip) return which;
        return {which, unknown_event_type(type)};
    }
};

inline verdict_for_other_types policy_of(verdict which) noexcept { return {which}; }
template <verdict Which, errc Code>
verdict_for_other_types policy_of(verdict_with_reason<Which, Code>) noexcept {
    static_assert(Which != verdict::retry,
                  "corvid: a record of an unknown type does not get known by a retry");
    return {Which};
}
template <class F>
F policy_of(F function) {
    return function;
}

} // namespace detail

/// The handler of a subscription with routes. `Calls` are typed_handlers.
template <class Other, class... Calls>
class routed_handler final : public handler {
    using messages = std::tuple<typename Calls::message_type...>;
    using policy = detail::other_types<Other>;
    static constexpr std::size_t count = sizeof...(Calls);
    static constexpr bool has_tasks = (policy::is_task || ... || Calls::is_task);

public:
    static constexpr bool blocks = (false || ... || Calls::blocks);

    routed_handler(std::tuple<std::unique_ptr<Calls>...> calls, Other otherwise, type_selector type,
                   task_scope& scope)
        : calls_(std::move(calls)), other_(std::move(otherwise)), type_(std::move(type)), scope_(scope) {}

    void start(run& records) noexcept override {
        if constexpr (has_tasks) {
            scope_.spawn(*scheduler::current(), drive(records));
        } else {
            messages into;
            while (records.has_next())
                records.complete(handle(records, into));
            records.end();
        }
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return !has_tasks && !blocks; }

private:
    using plain_call = outcome (*)(routed_handler&, run&, messages&) noexcept;
    using task_call = task<outcome> (*)(routed_handler&, run&, messages&);

    /// Empty where there is none. Borrows from the record or from `own`.
    [[nodiscard]] std::string_view type_of(const run& records, std::string& own) const {
        if (!type_) return detail::event_type_in(records.headers()).value_or("");
        own = type_(records.place()).value_or("");
        return own;
    }
    /// `count`: of none.
    [[nodiscard]] static std::size_t index_of(std::string_view type) noexcept {
        static constexpr std::array<std::string_view, count> types = {
            message_traits<typename Calls::message_type>::event_type...};
        std::size_t at = 0;
        while (at < count && types[at] != type)
            ++at;
        return at;
    }

    template <std::size_t I>
    static outcome handle_one(routed_handler& self, run& records, messages& into) noexcept {
        return std::get<I>(self.calls_)->handle(records, std::get<I>(into));
    }
    outcome handle(run& records, messages& into) noexcept {
        static constexpr auto calls = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<plain_call, count>{&routed_handler::template handle_one<I>...};
        }(std::index_sequence_for<Calls...>{});
        try {
            std::string own;
            const std::string_view type = type_of(records, own);
            const std::size_t which = index_of(type);
            return which < count ? calls[which](*this, records, into) : other_.handle(records, type);
        } catch (...) {
            return outcome_of_current_exception();
        }
    }

    template <std::size_t I>
    static task<outcome> attend_one(routed_handler& self, run& records, messages& into) {
        using call = std::tuple_element_t<I, std::tuple<Calls...>>;
        if constexpr (call::is_task)
            co_return co_await std::get<I>(self.calls_)->attend(records, std::get<I>(into));
        else
            co_return handle_one<I>(self, records, into);
    }
    task<outcome> attend_other(run& records, std::string_view type) {
        if constexpr (policy::is_task)
            co_return co_await other_.attend(records, type);
        else
            co_return other_.handle(records, type);
    }
    task<outcome> attend(run& records, messages& into) {
        static constexpr auto calls = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<task_call, count>{&routed_handler::template attend_one<I>...};
        }(std::index_sequence_for<Calls...>{});
        std::string own;
        const std::string_view type = type_of(records, own);
        const std::size_t which = index_of(type);
        if (which < count) co_return co_await calls[which](*this, records, into);
        co_return co_await attend_other(records, type);
    }
    task<void> drive(run& records) {
        messages into;
        while (records.has_next()) {
            outcome what = done;
            try {
                what = co_await attend(records, into);
            } catch (...) { // a type_selector's
                what = outcome_of_current_exception();
            }
            records.complete(std::move(what));
        }
        records.end();
    }

    std::tuple<std::unique_ptr<Calls>...> calls_;
    policy other_;
    type_selector type_;
    task_scope& scope_;
};

} // namespace corvid

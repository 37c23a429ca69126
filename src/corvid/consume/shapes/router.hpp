// SPDX-License-Identifier: Apache-2.0
//
// Router: several types of events on one topic, each with a handler of its own, in one group and one
// subscription:
//
//   service.route("feed", "feed.events")
//       .on<feed_liked>([&](const feed_liked& e) { … })
//       .on<feed_commented>([&](const feed_commented& e, corvid::context& ctx) -> corvid::task<void> { … })
//       .otherwise(corvid::dead_letter);
//
// A handler is what typed_handler.hpp takes. The order of a key holds across its types. Where one handler is
// a coroutine all records go the way of coroutines; either all are corvid::blocking or none is.
//
// otherwise() says what becomes of other types, and of records without one: corvid::dead_letter, skip, done
// or stop, or a function of (std::string_view type, corvid::context&), which returns nothing, an outcome or a
// task of either and finds the bytes in the context.
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
    static_assert(std::is_void_v<typename answer::type> || std::convertible_to<typename answer::type, outcome>,
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
    static_assert(Which != verdict::retry, "corvid: a record of an unknown type does not get known by a retry");
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

/// The sentence that service.route() begins. `Finish` gets the handler: finish(std::unique_ptr<handler>,
/// bool blocks), and answers what otherwise() does.
template <class Finish, class... Calls>
class [[nodiscard("corvid: a route ends with otherwise()")]] routes {
public:
    routes(task_scope& scope, Finish finish, std::tuple<std::unique_ptr<Calls>...> calls = {},
           type_selector type = {})
        : scope_(&scope), finish_(std::move(finish)), calls_(std::move(calls)), type_(std::move(type)) {}

    /// The type is what `says` says, and no header's.
    routes by(type_selector says) && {
        return {*scope_, std::move(finish_), std::move(calls_), std::move(says)};
    }

    template <Message T, class F>
    auto on(F function) && {
        static_assert((true && ... && !std::is_same_v<T, typename Calls::message_type>),
                      "corvid: this route has a handler of that message already");
        static_assert((true && ... &&
                       (std::is_same_v<T, typename Calls::message_type> ||
                        message_traits<T>::event_type !=
                            message_traits<typename Calls::message_type>::event_type)),
                      "corvid: two messages of this route have the same event_type: give one of them another "
                      "by .event_type in its CORVID_MESSAGE");
        using call = typed_handler<T, F>;
        auto all = std::tuple_cat(std::move(calls_),
                                  std::make_tuple(std::make_unique<call>(std::move(function), *scope_)));
        return routes<Finish, Calls..., call>(*scope_, std::move(finish_), std::move(all), std::move(type_));
    }

    /// What becomes of all other types. Ends the sentence.
    template <class Policy>
    decltype(auto) otherwise(Policy policy) && {
        static_assert(sizeof...(Calls) > 0, "corvid: a route has a handler: .on<T>(…)");
        static_assert((true && ... && Calls::blocks) || !(false || ... || Calls::blocks),
                      "corvid: either all handlers of a route are corvid::blocking, or none is");
        auto other = detail::policy_of(std::move(policy));
        using made = routed_handler<decltype(other), Calls...>;
        static_assert(!made::blocks || !detail::other_types<decltype(other)>::is_task,
                      "corvid: beside corvid::blocking handlers otherwise() takes a plain function");
        return finish_(std::unique_ptr<handler>(std::make_unique<made>(std::move(calls_), std::move(other),
                                                                       std::move(type_), *scope_)),
                       made::blocks);
    }

private:
    task_scope* scope_;
    Finish finish_;
    std::tuple<std::unique_ptr<Calls>...> calls_;
    type_selector type_;
};

template <class Finish>
routes(task_scope&, Finish) -> routes<Finish>;

} // namespace corvid

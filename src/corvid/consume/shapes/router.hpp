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
// A handler is what typed_handler.hpp takes, and is called where it says: on workers, for different keys at
// the same time; so are otherwise() and by(). The order of a key holds across its types. Where one handler is
// a coroutine all records go the way of coroutines; either all are corvid::blocking or none is.
//
// otherwise() says what becomes of other types, and of records without one: corvid::dead_letter, skip, done
// or stop, or a function of (std::string_view type, corvid::context&), which returns nothing, an outcome or a
// task of either and finds the bytes in the context.
#pragma once

#include <corvid/consume/shapes/routed_handler.hpp>

namespace corvid {

namespace detail {
template <class T, class Finish, class F>
auto adapted_by(Finish& finish, F function) {
    if constexpr (requires { finish.template adapt<T>(std::move(function)); })
        return finish.template adapt<T>(std::move(function));
    else
        return function;
}
} // namespace detail

/// The sentence that service.route() begins, which otherwise() ends. `Finish` gets the handler:
/// finish(std::unique_ptr<handler>, bool blocks), and answers what otherwise() does. It may have an
/// adapt<T>(function), for functions of more shapes, that answers one of those that typed_handler takes.
template <class Finish, class... Calls>
class [[nodiscard]] routes {
public:
    explicit routes(Finish finish, std::tuple<std::unique_ptr<Calls>...> calls = {}, type_selector type = {})
        : finish_(std::move(finish)), calls_(std::move(calls)), type_(std::move(type)) {}

    /// The type is what `says` says, and no header's.
    routes by(type_selector says) && {
        return routes(std::move(finish_), std::move(calls_), std::move(says));
    }

    template <Message T, class F>
    auto on(F function) && {
        static_assert((true && ... && !std::is_same_v<T, typename Calls::message_type>),
                      "corvid: this route has a handler of that message already");
        static_assert(
            (true && ... &&
             (std::is_same_v<T, typename Calls::message_type> ||
              message_traits<T>::event_type != message_traits<typename Calls::message_type>::event_type)),
            "corvid: two messages of this route have the same event_type: give one of them another "
            "by .event_type in its CORVID_MESSAGE");
        auto given = detail::adapted_by<T>(finish_, std::move(function));
        using call = typed_handler<T, decltype(given)>;
        auto all =
            std::tuple_cat(std::move(calls_), std::make_tuple(std::make_unique<call>(std::move(given))));
        return routes<Finish, Calls..., call>(std::move(finish_), std::move(all), std::move(type_));
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
        return finish_(std::unique_ptr<handler>(
                           std::make_unique<made>(std::move(calls_), std::move(other), std::move(type_))),
                       made::blocks);
    }

private:
    Finish finish_;
    std::tuple<std::unique_ptr<Calls>...> calls_;
    type_selector type_;
};

template <class Finish>
routes(Finish) -> routes<Finish>;

} // namespace corvid

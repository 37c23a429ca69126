// SPDX-License-Identifier: Apache-2.0
//
// Upcasters: an old version of a message becomes the newest before any handler sees it.
//
//   CORVID_UPCAST(flight_departed_v1, flight_departed, [](flight_departed_v1&& old) {
//       return flight_departed{.tail_number = std::move(old.tail), .carrier = "unknown"};
//   });
//
// Both are messages of one topic, the old one of a lower .version, and the line stands in the namespace of
// the new one. A message has at most one predecessor, which may have its own: v1 -> v2 -> v3. The function
// may return result<New> to refuse. A record says its version in the header `event_version`; absent reads
// as 1.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/message/traits.hpp>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

/// Used at namespace scope, after both messages; see above.
#define CORVID_UPCAST(Old, New, ...)                                                         \
    [[maybe_unused]] constexpr ::std::type_identity<Old> corvid_previous(                    \
        ::corvid::reflect::tag<New>) noexcept {                                              \
        return {};                                                                           \
    }                                                                                        \
    [[maybe_unused]] inline ::corvid::result<New> corvid_upcast(::corvid::reflect::tag<New>, \
                                                                Old&& corvid_old) {          \
        return ::std::invoke(__VA_ARGS__, ::std::move(corvid_old));                          \
    }                                                                                        \
    static_assert(decltype(::corvid::reflect::check_upcast<Old, New>())::value)

namespace corvid {

/// T has an upcaster from an older message.
template <class T>
concept Upcasted = Message<T> && requires { corvid_previous(reflect::tag<T>{}); };

/// The message that T's upcaster starts from.
template <Upcasted T>
using previous_version = typename decltype(corvid_previous(reflect::tag<T>{}))::type;

namespace reflect {

template <class Old, class New>
constexpr auto check_upcast() noexcept {
    static_assert(Message<Old> && Message<New>, "corvid: CORVID_UPCAST takes two messages");
    if constexpr (Message<Old> && Message<New>) {
        static_assert(message_traits<Old>::version < message_traits<New>::version,
                      "corvid: CORVID_UPCAST goes from a lower .version to a higher one");
        static_assert(message_traits<Old>::topic == message_traits<New>::topic,
                      "corvid: CORVID_UPCAST takes two versions of one topic");
    }
    return std::true_type{};
}

[[nodiscard]] error unknown_version(std::string_view name, std::string_view topic, int newest, int found);
[[nodiscard]] error upcast_failed(std::string_view name, std::string_view topic, int from, error why);

} // namespace reflect

/// Fills `out` from a record of `version`. `decode(T&) -> result<void>` reads the payload as the given type;
/// it is called once, with the type that has this version. errc::unknown_version where none has;
/// errc::upcast_failed, with the upcaster's error as cause, where an upcaster refused.
template <Message T, class Decode>
[[nodiscard]] result<void> read_version(int version, T& out, Decode&& decode) {
    using traits = message_traits<T>;
    if (version == traits::version) return decode(out);
    if constexpr (Upcasted<T>) {
        if (version < traits::version) {
            previous_version<T> old{};
            if (auto read = read_version(version, old, std::forward<Decode>(decode)); !read) return read;
            result<T> made = corvid_upcast(reflect::tag<T>{}, std::move(old));
            if (!made) {
                constexpr int from = message_traits<previous_version<T>>::version;
                return fail(
                    reflect::upcast_failed(traits::name, traits::topic, from, std::move(made).error()));
            }
            out = *std::move(made);
            return {};
        }
    }
    return fail(reflect::unknown_version(traits::name, traits::topic, traits::version, version));
}

} // namespace corvid

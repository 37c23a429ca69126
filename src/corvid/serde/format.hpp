// SPDX-License-Identifier: Apache-2.0
//
// Format: how bytes become messages and back. A new format is a type of this shape; publishers and
// subscriptions take it as a template argument.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/message/traits.hpp>
#include <corvid/message/upcast.hpp>
#include <corvid/model/bytes.hpp>
#include <corvid/serde/byte_buffer.hpp>

#include <concepts>
#include <optional>
#include <string_view>

namespace corvid {

/// encode appends, and leaves the buffer as it was when it fails; decode overwrites. Both are safe from any
/// thread.
template <class F, class T>
concept Format = requires(const T& in, T& out, byte_buffer& to, bytes_view from) {
    { F::name } -> std::convertible_to<std::string_view>;
    { F::content_type } -> std::convertible_to<std::string_view>;
    { F::encode(in, to) } -> std::same_as<result<void>>;
    { F::decode(from, out) } -> std::same_as<result<void>>;
};

/// The version that a record's header `event_version` tells; absent reads as 1, what is no number is
/// errc::unknown_version.
[[nodiscard]] result<int> version_of(std::optional<std::string_view> header);

namespace detail {
[[nodiscard]] error empty_payload(std::string_view name, std::string_view topic);
[[nodiscard]] error in_topic(error why, std::string_view topic);
} // namespace detail

/// Reads a record's value of that version into `to`, by T's upcasters if it is an older one.
/// errc::empty_payload for a tombstone; every error names T's topic.
template <class F, Message T>
    requires Format<F, T>
[[nodiscard]] result<void> decode_message(optional_bytes payload, int version, T& to) {
    using traits = message_traits<T>;
    if (!payload) return fail(detail::empty_payload(traits::name, traits::topic));
    auto read = read_version(version, to, [&](auto& as) { return F::decode(payload.bytes(), as); });
    if (!read) return fail(detail::in_topic(std::move(read).error(), traits::topic));
    return read;
}

} // namespace corvid

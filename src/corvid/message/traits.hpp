// SPDX-License-Identifier: Apache-2.0
//
// message_traits<T>: what CORVID_MESSAGE declared, for code that is generic over messages. Everything here is
// known at compile time except the key of a given object.
#pragma once

#include <corvid/message/detail/check.hpp>
#include <corvid/message/wire_names.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

/// Declared by CORVID_VALUE or CORVID_MESSAGE: a plain struct that formats can read and write.
template <class T>
concept Value = reflect::DeclaredStruct<T>;

/// Declared by CORVID_MESSAGE: a value that has a topic.
template <class T>
concept Message = Value<T> && requires { corvid_declared(reflect::tag<T>{}).options.topic; };

/// The name of an enumerator; empty for a number that CORVID_ENUM does not list.
template <reflect::DeclaredEnum E>
[[nodiscard]] constexpr std::string_view enum_name(E value) noexcept {
    for (const auto& each : reflect::enumerators<E>)
        if (each.value == value) return each.name;
    return {};
}

template <reflect::DeclaredEnum E>
[[nodiscard]] constexpr std::optional<E> enum_from_name(std::string_view name) noexcept {
    for (const auto& each : reflect::enumerators<E>)
        if (each.name == name) return each.value;
    return std::nullopt;
}

namespace reflect {

/// The text of a key; borrows from `value` or from `scratch`. None for an empty optional and an unlisted
/// enumerator.
template <class T>
std::optional<std::string_view> key_text(const T& value, std::string& scratch) {
    if constexpr (kind_of<T> == kind::optional) {
        return value ? key_text(*value, scratch) : std::nullopt;
    } else if constexpr (kind_of<T> == kind::text) {
        return value;
    } else if constexpr (kind_of<T> == kind::boolean) {
        return value ? "true" : "false";
    } else if constexpr (kind_of<T> == kind::enumeration) {
        const std::string_view name = enum_name(value);
        return name.empty() ? std::nullopt : std::optional(name);
    } else if constexpr (kind_of<T> == kind::integer) {
        scratch.resize(20);
        const auto end = std::to_chars(scratch.data(), scratch.data() + scratch.size(), value).ptr;
        return std::string_view(scratch.data(), static_cast<std::size_t>(end - scratch.data()));
    } else {
        scratch.resize(uuid::text_size);
        value.write_to(scratch.data());
        return scratch;
    }
}

} // namespace reflect

template <Message T>
struct message_traits {
private:
    static constexpr auto declaration = corvid_declared(reflect::tag<T>{});
    static constexpr std::size_t key_index = declaration.options.key.index;

public:
    static constexpr std::string_view name = declaration.name; ///< of the struct, without its namespaces
    static constexpr std::string_view topic = declaration.options.topic.name;
    static constexpr int version = declaration.options.version;
    static constexpr std::string_view event_type =
        declaration.options.event_type.empty() ? name : declaration.options.event_type;
    /// It was declared with one: then each record that is sent says it.
    static constexpr bool has_event_type = !declaration.options.event_type.empty();
    static constexpr event_id_policy event_id = declaration.options.event_id;
    static constexpr bool has_key = declaration.options.key.given;

    /// The bytes of the record's key: a text as it is, an integer in decimal, an enumerator's name, a uuid in
    /// its canonical form. None where the message has no key or its optional is empty. Borrows from `message`
    /// (texts: no allocation) or from `scratch`, which may be reused.
    [[nodiscard]] static std::optional<std::string_view> key_of(const T& message, std::string& scratch) {
        if constexpr (has_key)
            return reflect::key_text(reflect::member_of<key_index>(message), scratch);
        else
            return std::nullopt;
    }
};

} // namespace corvid

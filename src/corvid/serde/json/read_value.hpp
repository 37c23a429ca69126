// SPDX-License-Identifier: Apache-2.0
//
// How each kind of value is read from JSON: typed code that drives a reader. What `to` held before does not
// matter, but its memory is used again.
#pragma once

#include <corvid/message/time_point.hpp>
#include <corvid/message/traits.hpp>
#include <corvid/serde/json/reader.hpp>

#include <algorithm>
#include <limits>

namespace corvid::json {

template <class T>
[[nodiscard]] bool read_value(reader& in, T& to);
template <class T>
[[nodiscard]] bool read_structure(reader& in, T& to);

namespace detail {

using corvid::reflect::kind;
using corvid::reflect::kind_of;

template <class T>
bool read_integer(reader& in, T& to) {
    std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
    if (!in.read(wide)) return false;
    if (!std::in_range<T>(wide))
        return in.fail(errc::out_of_range, std::to_string(wide) + " does not fit " +
                                               std::to_string(sizeof(T) * 8) +
                                               (std::is_signed_v<T> ? " bits" : " bits without sign"));
    to = static_cast<T>(wide);
    return true;
}

template <class T>
bool read_real(reader& in, T& to) {
    double wide = 0;
    if (!in.read(wide)) return false;
    if constexpr (std::is_same_v<T, float>)
        if (std::max(wide, -wide) > std::numeric_limits<float>::max())
            return in.fail(errc::out_of_range, std::to_string(wide) + " does not fit a float");
    to = static_cast<T>(wide);
    return true;
}

template <class T>
bool read_optional(reader& in, std::optional<T>& to) {
    if (in.take_null()) return to.reset(), true;
    if (in.failed()) return false;
    return read_value(in, to ? *to : to.emplace());
}

template <class T>
bool read_list(reader& in, std::vector<T>& to) {
    if (!in.begin_array()) return false;
    std::size_t index = 0;
    for (; in.next_element(); ++index) {
        if constexpr (std::is_same_v<T, bool>) {
            bool element = false;
            if (!read_value(in, element)) return in.at(index);
            if (index == to.size()) to.emplace_back();
            to[index] = element;
        } else {
            if (index == to.size()) to.emplace_back();
            if (!read_value(in, to[index])) return in.at(index);
        }
    }
    if (in.failed()) return in.at(index);
    to.resize(index);
    return true;
}

template <class T, std::size_t N>
bool read_array(reader& in, std::array<T, N>& to) {
    if (!in.begin_array()) return false;
    std::size_t index = 0;
    for (; in.next_element(); ++index) {
        if (index == N)
            return in.fail(errc::wrong_type, "expected " + std::to_string(N) + " elements, found more");
        if (!read_value(in, to[index])) return in.at(index);
    }
    if (in.failed()) return in.at(index);
    if (index < N)
        return in.fail(errc::wrong_type,
                       "expected " + std::to_string(N) + " elements, found " + std::to_string(index));
    return true;
}

template <class Map>
bool read_map(reader& in, Map& to) {
    if (!in.begin_object()) return false;
    to.clear();
    while (in.next_key()) {
        std::string name(in.key());
        if (in.failed()) return false;
        const auto [place, is_new] = to.try_emplace(std::move(name));
        if (!is_new) {
            in.fail(errc::malformed_payload, "the member stands there twice");
            return in.at(place->first);
        }
        if (!read_value(in, place->second)) return in.at(place->first);
    }
    return !in.failed();
}

/// `{"name":value}`, or null where one alternative is std::monostate.
template <class... T>
bool read_variant(reader& in, std::variant<T...>& to) {
    if constexpr ((std::is_same_v<T, std::monostate> || ...)) {
        if (in.take_null()) return to.template emplace<std::monostate>(), true;
        if (in.failed()) return false;
    }
    if (!in.begin_object()) return false;
    if (!in.next_key())
        return in.failed() ? false
                           : in.fail(errc::wrong_type, "expected a member that names the alternative");
    const std::string name(in.key());
    if (in.failed()) return false;
    bool read = false;
    const auto attempt = [&]<class Each>(std::type_identity<Each>) {
        if constexpr (kind_of<Each> != kind::null) {
            if (name != corvid::reflect::wire_type_name<Each>()) return false;
            read = read_value(in, to.template emplace<Each>());
            return true;
        }
        return false;
    };
    if (!(attempt(std::type_identity<T>{}) || ...))
        return in.fail(errc::wrong_type, json::quoted(name) + " names no alternative");
    if (!read) return in.at(name);
    if (in.next_key()) return in.fail(errc::wrong_type, "expected one member, which names the alternative");
    return !in.failed();
}

template <class T>
bool read_from_text(reader& in, T& to) {
    std::string_view text;
    if constexpr (kind_of<T> == kind::decimal) {
        std::int64_t units = 0;
        if (!in.read_text_or_number(text)) return false;
        const auto reading = value_text::read_decimal(text, T::scale, units);
        if (reading == value_text::decimal_reading::does_not_fit)
            return in.fail(errc::out_of_range, json::quoted(text) + " does not fit " +
                                                   std::to_string(T::scale) +
                                                   " digits behind the point and 64 bits");
        to = T(units);
        return reading == value_text::decimal_reading::ok ||
               in.fail(errc::wrong_type, json::quoted(text) + " is not a decimal");
    } else {
        if (!in.read_text(text)) return false;
        if constexpr (kind_of<T> == kind::time) {
            value_text::instant at;
            if (!value_text::read_instant(text, at))
                return in.fail(errc::wrong_type, json::quoted(text) + " is not an RFC 3339 time");
            return corvid::reflect::from_instant(at, to) ||
                   in.fail(errc::out_of_range, json::quoted(text) + " does not fit the member's resolution");
        } else if constexpr (kind_of<T> == kind::date) {
            return value_text::read_date(text, to) ||
                   in.fail(errc::wrong_type, json::quoted(text) + " is not a date (2013-01-31)");
        } else if constexpr (kind_of<T> == kind::uuid) {
            const auto id = T::parse(text);
            if (!id) return in.fail(errc::wrong_type, json::quoted(text) + " is not a uuid");
            return to = *id, true;
        } else if constexpr (kind_of<T> == kind::bytes) {
            return value_text::read_base64(text, to) ||
                   in.fail(errc::wrong_type, json::quoted(text) + " is not base64");
        } else {
            const auto value = enum_from_name<T>(text);
            if (!value)
                return in.fail(errc::unknown_enumerator,
                               json::quoted(text) + " is none of the declared enumerators");
            return to = *value, true;
        }
    }
}

} // namespace detail

template <class T>
bool read_value(reader& in, T& to) {
    using detail::kind;
    constexpr kind is = detail::kind_of<T>;
    if constexpr (is == kind::boolean || is == kind::text) {
        return in.read(to);
    } else if constexpr (is == kind::integer) {
        return detail::read_integer(in, to);
    } else if constexpr (is == kind::real) {
        return detail::read_real(in, to);
    } else if constexpr (is == kind::optional) {
        return detail::read_optional(in, to);
    } else if constexpr (is == kind::list) {
        return detail::read_list(in, to);
    } else if constexpr (is == kind::array) {
        return detail::read_array(in, to);
    } else if constexpr (is == kind::map) {
        return detail::read_map(in, to);
    } else if constexpr (is == kind::variant) {
        return detail::read_variant(in, to);
    } else if constexpr (is == kind::duration) {
        typename T::rep count{};
        return read_value(in, count) && (to = T(count), true);
    } else if constexpr (is == kind::null) {
        return in.take_null() || in.fail_type("null");
    } else if constexpr (is == kind::structure) {
        return read_structure(in, to);
    } else if constexpr (is < kind::unmappable) {
        return detail::read_from_text(in, to);
    } else {
        return true; // refused where the struct was declared
    }
}

} // namespace corvid::json

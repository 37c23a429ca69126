// SPDX-License-Identifier: Apache-2.0
//
// How each kind of value is written as JSON: typed code that drives a writer.
#pragma once

#include <corvid/message/mapping.hpp>
#include <corvid/message/time_point.hpp>
#include <corvid/message/traits.hpp>
#include <corvid/serde/json/writer.hpp>

namespace corvid::json {

template <class T>
[[nodiscard]] bool write_value(writer& out, const T& value);

namespace detail {

using corvid::reflect::kind;
using corvid::reflect::kind_of;

/// `,"name":` as it stands in the document.
template <class T, std::size_t I>
inline constexpr auto member_prefix = [] {
    constexpr std::string_view name = corvid::reflect::member_at<T, I>::name;
    std::array<char, name.size() + 4> text{',', '"'};
    for (std::size_t i = 0; i < name.size(); ++i)
        text[i + 2] = name[i];
    text[name.size() + 2] = '"';
    text[name.size() + 3] = ':';
    return text;
}();

template <std::size_t I, class T>
bool write_member(writer& out, const T& object) {
    const auto& member = corvid::reflect::member_of<I>(object);
    constexpr auto& prefix = member_prefix<T, I>;
    if constexpr (kind_of<std::remove_cvref_t<decltype(member)>> == kind::optional) {
        if (!member) return true;
        out.raw({prefix.data(), prefix.size()});
        return write_value(out, *member) || out.at(corvid::reflect::member_names<T>[I]);
    } else {
        out.raw({prefix.data(), prefix.size()});
        return write_value(out, member) || out.at(corvid::reflect::member_names<T>[I]);
    }
}

template <class T>
bool write_structure(writer& out, const T& object) {
    const std::size_t opened = out.open();
    const bool written = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return (write_member<I>(out, object) && ...);
    }(std::make_index_sequence<corvid::reflect::member_count<T>>{});
    if (written) out.close(opened, '{', '}');
    return written;
}

template <class T>
bool write_list(writer& out, const T& list) {
    const std::size_t opened = out.open();
    std::size_t index = 0;
    for (const auto& element : list) {
        out.raw(',');
        if (!write_value<typename T::value_type>(out, element)) return out.at(index);
        ++index;
    }
    out.close(opened, '[', ']');
    return true;
}

template <class T>
bool write_map(writer& out, const T& map) {
    const std::size_t opened = out.open();
    for (const auto& [name, value] : map) {
        out.raw(',');
        if (!out.write(std::string_view(name))) return false;
        out.raw(':');
        if (!write_value(out, value)) return out.at(name);
    }
    out.close(opened, '{', '}');
    return true;
}

template <class T>
bool write_alternative(writer& out, const T& value) {
    if constexpr (kind_of<T> == kind::null) {
        out.raw("null");
        return true;
    } else {
        constexpr std::string_view name = corvid::reflect::wire_type_name<T>();
        out.raw("{\"");
        out.raw(name);
        out.raw("\":");
        if (!write_value(out, value)) return out.at(name);
        out.raw('}');
        return true;
    }
}

/// Kinds that travel as a string without escapes.
template <class T>
bool write_as_text(writer& out, const T& value) {
    std::string& text = writer::scratch();
    text += '"';
    if constexpr (kind_of<T> == kind::time) {
        value_text::instant at;
        if (!corvid::reflect::to_instant(value, at) ||
            !value_text::append_instant(text, at,
                                        corvid::reflect::fraction_digits<typename T::duration::period>()))
            return out.fail("the time is outside the years 0000 to 9999");
    } else if constexpr (kind_of<T> == kind::date) {
        if (!value_text::append_date(text, value))
            return out.fail("the date does not exist, or its year is not 0000 to 9999");
    } else if constexpr (kind_of<T> == kind::uuid) {
        text.resize(text.size() + uuid::text_size);
        value.write_to(text.data() + 1);
    } else if constexpr (kind_of<T> == kind::bytes) {
        value_text::append_base64(text, value);
    } else if constexpr (kind_of<T> == kind::decimal) {
        value_text::append_decimal(text, value.units(), T::scale);
    } else {
        const std::string_view name = enum_name(value);
        if (name.empty()) return out.fail("the value is none of the declared enumerators");
        text += name;
    }
    text += '"';
    out.raw(text);
    return true;
}

} // namespace detail

template <class T>
bool write_value(writer& out, const T& value) {
    using detail::kind;
    constexpr kind is = detail::kind_of<T>;
    if constexpr (is == kind::boolean) {
        return out.write(static_cast<bool>(value)), true;
    } else if constexpr (is == kind::integer) {
        using widest = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
        return out.write(static_cast<widest>(value)), true;
    } else if constexpr (is == kind::real) {
        return out.write(value);
    } else if constexpr (is == kind::text) {
        return out.write(std::string_view(value));
    } else if constexpr (is == kind::optional) {
        if (value) return write_value(out, *value);
        return out.raw("null"), true;
    } else if constexpr (is == kind::list || is == kind::array) {
        return detail::write_list(out, value);
    } else if constexpr (is == kind::map) {
        return detail::write_map(out, value);
    } else if constexpr (is == kind::variant) {
        return std::visit([&](const auto& each) { return detail::write_alternative(out, each); }, value);
    } else if constexpr (is == kind::duration) {
        return write_value(out, value.count());
    } else if constexpr (is == kind::null) {
        return out.raw("null"), true;
    } else if constexpr (is == kind::structure) {
        return detail::write_structure(out, value);
    } else if constexpr (is < kind::unmappable) {
        return detail::write_as_text(out, value);
    } else {
        return true; // refused where the struct was declared
    }
}

} // namespace corvid::json

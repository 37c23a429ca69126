// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/detail/big_endian.hpp>
#include <corvid/store/postgres/detail/type_ids.hpp>
#include <corvid/store/sqlstate.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace corvid::store::postgres {

namespace {

std::unexpected<error> refused(std::string_view sqlstate, std::string message) {
    return fail(database_error(sqlstate, std::move(message), "send a parameter"));
}

encoded as_text_form(std::string data) { return {wire_format::text, false, std::move(data)}; }

template <class T>
encoded as_binary(T number) {
    encoded out{.format = wire_format::binary};
    append_number(out.data, number);
    return out;
}

template <class Narrow>
result<encoded> narrowed(std::int64_t number, std::string_view type) {
    if (!std::in_range<Narrow>(number))
        return refused("22003", std::to_string(number) + " does not fit " + std::string(type));
    return as_binary(static_cast<Narrow>(number));
}

encoded as_float4(double number) {
    return as_binary(std::bit_cast<std::int32_t>(static_cast<float>(number)));
}
encoded as_float8(double number) { return as_binary(std::bit_cast<std::int64_t>(number)); }

std::string text_of(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

// 2024-01-31 12:34:56.000789+00
std::string text_of(sql_time when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const auto us = static_cast<std::int64_t>((when - day).count());
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d.%06d+00",
                                   static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()), static_cast<int>(us / 3'600'000'000),
                                   static_cast<int>(us / 60'000'000 % 60),
                                   static_cast<int>(us / 1'000'000 % 60), static_cast<int>(us % 1'000'000));
    return {text.data(), static_cast<std::size_t>(size)};
}

// An array as PostgreSQL writes it: {"a","b\"c",NULL}.
result<encoded> array_literal(const sql_array& array);

class encoder {
public:
    explicit encoder(type_id wanted) noexcept : wanted_(wanted) {}

    result<encoded> operator()(sql_null) const { return encoded{.null = true}; }
    result<encoded> operator()(bool flag) const {
        if (wanted_ == types::boolean)
            return encoded{wire_format::binary, false, std::string(1, flag ? '\1' : '\0')};
        return as_text_form(flag ? "true" : "false");
    }
    result<encoded> operator()(std::int64_t number) const {
        switch (wanted_) {
        case types::int8:
            return as_binary(number);
        case types::int4:
            return narrowed<std::int32_t>(number, "int4");
        case types::int2:
            return narrowed<std::int16_t>(number, "int2");
        case types::oid:
            return narrowed<std::uint32_t>(number, "oid");
        case types::float8:
            return as_float8(static_cast<double>(number));
        case types::float4:
            return as_float4(static_cast<double>(number));
        default:
            return as_text_form(std::to_string(number));
        }
    }
    result<encoded> operator()(double number) const {
        if (wanted_ == types::float8) return as_float8(number);
        if (wanted_ == types::float4) return as_float4(number);
        return as_text_form(text_of(number));
    }
    result<encoded> operator()(const std::string& text) const {
        if (wanted_ == types::bytea) return encoded{wire_format::binary, false, text};
        if (text.find('\0') != std::string::npos)
            return refused("22021", "text with a NUL: PostgreSQL holds none");
        return encoded{types::is_text(wanted_) ? wire_format::binary : wire_format::text, false, text};
    }
    result<encoded> operator()(const sql_bytes& bytes) const {
        if (wanted_ == types::bytea) return encoded{wire_format::binary, false, bytes.data};
        return refused("42804", "bytes for a parameter that is no bytea");
    }
    result<encoded> operator()(sql_time when) const {
        const std::int64_t us = when.time_since_epoch().count();
        if (wanted_ == types::timestamptz || wanted_ == types::timestamp) {
            if (us < std::numeric_limits<std::int64_t>::min() + types::epoch_us)
                return refused("22008", "a time before what PostgreSQL holds");
            return as_binary(us - types::epoch_us);
        }
        return as_text_form(text_of(when));
    }
    result<encoded> operator()(const uuid& id) const {
        if (wanted_ != types::uuid_type) return as_text_form(to_string(id));
        return encoded{wire_format::binary, false, std::string(id.bytes.begin(), id.bytes.end())};
    }
    result<encoded> operator()(const sql_array& array) const;

private:
    type_id wanted_;
};

// Binary as long as each element is; one that has only text makes all of it text.
result<encoded> encoder::operator()(const sql_array& array) const {
    const type_id element = types::element_of(wanted_);
    if (element == 0) return array_literal(array);
    encoded out{.format = wire_format::binary};
    const bool nulls = std::ranges::any_of(array.items, &sql_value::is_null);
    append_number<std::int32_t>(out.data, array.items.empty() ? 0 : 1);
    append_number<std::int32_t>(out.data, nulls ? 1 : 0);
    append_number<std::uint32_t>(out.data, element);
    if (array.items.empty()) return out;
    append_number(out.data, static_cast<std::int32_t>(array.items.size()));
    append_number<std::int32_t>(out.data, 1);
    for (const sql_value& each : array.items) {
        auto one = encode(each, element);
        if (!one) return one;
        if (!one->null && one->format == wire_format::text) return array_literal(array);
        append_number(out.data, one->null ? -1 : static_cast<std::int32_t>(one->data.size()));
        out.data += one->data;
    }
    return out;
}

result<encoded> array_literal(const sql_array& array) {
    std::string out = "{";
    for (const sql_value& each : array.items) {
        if (out.size() > 1) out += ',';
        auto one = encode(each, 0);
        if (!one) return one;
        if (one->null) {
            out += "NULL";
            continue;
        }
        out += '"';
        for (const char c : one->data) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return as_text_form(out + '}');
}

} // namespace

result<encoded> encode(const sql_value& value, type_id wanted) {
    return std::visit(encoder(wanted), value.held);
}

} // namespace corvid::store::postgres

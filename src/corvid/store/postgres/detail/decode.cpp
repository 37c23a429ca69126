// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/detail/big_endian.hpp>
#include <corvid/store/postgres/detail/type_ids.hpp>
#include <corvid/store/sqlstate.hpp>

#include <algorithm>

namespace corvid::store::postgres {

namespace {

std::unexpected<error> malformed(type_id type) {
    return fail(database_error(
        "22P03", "a column of type " + std::to_string(type) + " has bytes that are not of it", "read a row"));
}

// How long a value of a type is; 0: any length.
std::size_t fixed_size(type_id type) noexcept {
    switch (type) {
    case types::boolean:
        return 1;
    case types::int2:
        return 2;
    case types::int4:
    case types::oid:
    case types::float4:
    case types::date:
        return 4;
    case types::int8:
    case types::float8:
    case types::timestamp:
    case types::timestamptz:
        return 8;
    case types::uuid_type:
        return 16;
    default:
        return 0;
    }
}

// `infinity` is the end of time on both sides.
sql_time time_of(std::int64_t us) noexcept {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    if (us > most - types::epoch_us) return sql_time::max();
    if (us == std::numeric_limits<std::int64_t>::min()) return sql_time::min();
    return sql_time(std::chrono::microseconds(us + types::epoch_us));
}

// PostgreSQL's dates reach further than microseconds do: beyond those is the end of time, as `infinity` is.
sql_time day_of(std::int32_t days) noexcept {
    constexpr std::int64_t most =
        (std::numeric_limits<std::int64_t>::max() - types::epoch_us) / types::day_us;
    if (days > most) return sql_time::max();
    if (days < -most) return sql_time::min();
    return time_of(days * types::day_us);
}

// Groups of four decimal digits, the first one worth 10000^weight (numeric.c, numeric_send).
class numeric_reader {
public:
    explicit numeric_reader(std::string_view bytes) noexcept : bytes_(bytes) {}

    std::optional<std::string> read() {
        if (bytes_.size() < 8) return std::nullopt;
        const auto groups = word(0);
        const auto weight = static_cast<std::int16_t>(word(1));
        const auto sign = word(2), scale = word(3);
        if (sign == 0xC000) return "NaN";
        if (sign == 0xD000) return "Infinity";
        if (sign == 0xF000) return "-Infinity";
        if (bytes_.size() != 8U + 2U * groups) return std::nullopt;
        std::string out = sign == 0x4000 ? "-" : "";
        for (int place = std::max<int>(weight, 0); place >= 0; --place)
            out += place == std::max<int>(weight, 0) ? std::to_string(group(weight - place, groups))
                                                     : four(group(weight - place, groups));
        std::string behind;
        for (int place = -1; static_cast<int>(behind.size()) < scale; --place)
            behind += four(group(weight - place, groups));
        if (scale > 0) out += '.' + behind.substr(0, scale);
        return out;
    }

private:
    [[nodiscard]] std::uint16_t word(std::size_t at) const {
        return read_number<std::uint16_t>(bytes_.substr(2 * at));
    }
    [[nodiscard]] unsigned group(int index, unsigned groups) const {
        return index >= 0 && index < static_cast<int>(groups) ? word(4 + static_cast<std::size_t>(index))
                                                              : 0U;
    }
    static std::string four(unsigned digits) {
        const std::string text = std::to_string(digits);
        return std::string(4 - std::min<std::size_t>(4, text.size()), '0') + text;
    }

    std::string_view bytes_;
};

result<sql_value> decode_array(type_id type, std::string_view bytes) {
    const type_id element = types::element_of(type);
    if (bytes.size() < 12) return malformed(type);
    const auto dimensions = read_number<std::int32_t>(bytes);
    sql_array array;
    if (dimensions == 0) return sql_value{std::move(array)};
    if (dimensions != 1 || bytes.size() < 20)
        return fail(database_error("0A000", "an array of more than one dimension", "read a row"));
    const auto count = read_number<std::int32_t>(bytes.substr(12));
    bytes.remove_prefix(20);
    for (std::int32_t i = 0; i < count; ++i) {
        if (bytes.size() < 4) return malformed(type);
        const auto size = read_number<std::int32_t>(bytes);
        bytes.remove_prefix(4);
        if (size < 0) {
            array.items.emplace_back();
            continue;
        }
        if (bytes.size() < static_cast<std::size_t>(size)) return malformed(type);
        auto one = decode(element, bytes.substr(0, static_cast<std::size_t>(size)));
        if (!one) return one;
        array.items.push_back(*std::move(one));
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return sql_value{std::move(array)};
}

result<sql_value> decode_fixed(type_id type, std::string_view bytes) {
    switch (type) {
    case types::boolean:
        return sql_value{bytes[0] != 0};
    case types::int2:
        return sql_value{static_cast<std::int64_t>(read_number<std::int16_t>(bytes))};
    case types::int4:
        return sql_value{static_cast<std::int64_t>(read_number<std::int32_t>(bytes))};
    case types::oid:
        return sql_value{static_cast<std::int64_t>(read_number<std::uint32_t>(bytes))};
    case types::int8:
        return sql_value{read_number<std::int64_t>(bytes)};
    case types::float4:
        return sql_value{static_cast<double>(std::bit_cast<float>(read_number<std::int32_t>(bytes)))};
    case types::float8:
        return sql_value{std::bit_cast<double>(read_number<std::int64_t>(bytes))};
    case types::date:
        return sql_value{day_of(read_number<std::int32_t>(bytes))};
    case types::uuid_type: {
        uuid id;
        std::ranges::copy(bytes, id.bytes.begin());
        return sql_value{id};
    }
    default:
        return sql_value{time_of(read_number<std::int64_t>(bytes))};
    }
}

} // namespace

bool readable(type_id type) noexcept {
    return fixed_size(type) > 0 || types::is_text(type) || type == types::bytea || type == types::one_char ||
           type == types::numeric || type == types::void_type || type == types::jsonb ||
           types::element_of(type) != 0;
}

result<sql_value> decode(type_id type, std::string_view bytes) {
    if (const std::size_t size = fixed_size(type)) {
        if (bytes.size() != size) return malformed(type);
        return decode_fixed(type, bytes);
    }
    if (types::element_of(type) != 0) return decode_array(type, bytes);
    if (type == types::bytea) return sql_value{sql_bytes{std::string(bytes)}};
    if (type == types::void_type) return sql_value{};
    if (type == types::numeric) {
        auto text = numeric_reader(bytes).read();
        if (!text) return malformed(type);
        return sql_value{*std::move(text)};
    }
    if (type == types::jsonb) { // a version, then the text
        if (bytes.empty() || bytes[0] != '\1') return malformed(type);
        bytes.remove_prefix(1);
    }
    return sql_value{std::string(bytes)};
}

} // namespace corvid::store::postgres

// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/store/postgres/detail/big_endian.hpp>
#include <corvid/store/postgres/detail/type_ids.hpp>
#include <corvid/store/sql_codec.hpp>

#include <gtest/gtest.h>

namespace corvid::store::postgres {
namespace {

using namespace std::string_literals;

encoded sent(const sql_value& value, type_id as) {
    auto made = encode(value, as);
    EXPECT_TRUE(made) << made.error().describe();
    return made.value_or(encoded{});
}
std::string refused(const sql_value& value, type_id as) {
    const auto made = encode(value, as);
    return made ? "" : std::string(made.error().sqlstate());
}
void round_trip(const sql_value& value, type_id as) {
    const encoded out = sent(value, as);
    EXPECT_EQ(out.format, wire_format::binary);
    EXPECT_EQ(decode(as, out.data), value);
}

TEST(postgres_types, known_ones_come_back_from_their_binary_form) {
    for (const type_id number : {types::int2, types::int4, types::int8})
        for (const std::int64_t n : {0, 1, -1, 32767, -32768})
            round_trip({n}, number);
    round_trip({std::numeric_limits<std::int64_t>::min()}, types::int8);
    round_trip({std::int64_t{4294967295}}, types::oid);
    round_trip({true}, types::boolean);
    round_trip({0.1}, types::float8);
    round_trip({0.5}, types::float4);
    round_trip({"ä'\n"s}, types::text);
    round_trip({sql_bytes{"\0\xff"s}}, types::bytea);
    round_trip({sql_time(std::chrono::microseconds(1))}, types::timestamptz);
    round_trip({sql_time(std::chrono::microseconds(-1))}, types::timestamp);
    round_trip({*uuid::parse("0189e36b-5c5a-7d3e-8b0a-3d2f1c0b9a87")}, types::uuid_type);
    round_trip({sql_array{{{std::int64_t{1}}, {}, {std::int64_t{-3}}}}}, 1016);
    round_trip({sql_array{{{"a"s}, {""s}}}}, 1009);
    round_trip({sql_array{}}, 2951);
}

TEST(postgres_types, follow_what_the_server_inferred) {
    EXPECT_EQ(sent({std::int64_t{7}}, types::int2).data, "\0\7"s);
    EXPECT_EQ(sent({std::int64_t{7}}, types::numeric).data, "7");
    EXPECT_EQ(sent({std::int64_t{7}}, types::numeric).format, wire_format::text);
    EXPECT_EQ(sent({0.1}, types::numeric).data, "0.1");
    EXPECT_EQ(sent({std::numeric_limits<double>::infinity()}, types::numeric).data, "Infinity");
    EXPECT_EQ(sent({"12.50"s}, types::numeric).format, wire_format::text);
    EXPECT_EQ(sent({"{}"s}, types::jsonb).format, wire_format::text);
    EXPECT_EQ(sent({"raw"s}, types::bytea).format, wire_format::binary);
    EXPECT_EQ(sent({sql_time(std::chrono::microseconds(1'706'704'496'000'789))}, types::date).data,
              "2024-01-31 12:34:56.000789+00");
    EXPECT_EQ(sent({sql_array{{{"1.5"s}, {}, {"a\"\\"s}}}}, 1231).data, R"({"1.5",NULL,"a\"\\"})");
}

TEST(postgres_types, what_does_not_fit_is_refused_before_it_is_sent) {
    EXPECT_EQ(refused({std::int64_t{32768}}, types::int2), "22003");
    EXPECT_EQ(refused({std::int64_t{-1}}, types::oid), "22003");
    EXPECT_EQ(refused({"a\0b"s}, types::text), "22021");
    EXPECT_EQ(refused({sql_bytes{"a"}}, types::text), "42804");
    EXPECT_EQ(refused({sql_time::min()}, types::timestamptz), "22008");
    EXPECT_EQ(refused({sql_array{{{"a\0b"s}}}}, 1009), "22021");
}

std::string numeric(std::initializer_list<int> words) {
    std::string bytes;
    for (const int word : words)
        append_number(bytes, static_cast<std::uint16_t>(word));
    return bytes;
}

TEST(postgres_types, numeric_is_read_as_the_text_that_psql_shows) {
    const auto shown = [](const std::string& bytes) {
        const auto value = decode(types::numeric, bytes);
        return value ? std::get<std::string>(value->held) : value.error().describe();
    };
    EXPECT_EQ(shown(numeric({0, 0, 0, 0})), "0");
    EXPECT_EQ(shown(numeric({0, 0, 0, 2})), "0.00");
    EXPECT_EQ(shown(numeric({2, 0, 0, 2, 12, 5000})), "12.50");
    EXPECT_EQ(shown(numeric({2, 1, 0x4000, 0, 1, 2})), "-10002");
    EXPECT_EQ(shown(numeric({1, 2, 0, 0, 1})), "100000000");
    EXPECT_EQ(shown(numeric({1, 0xFFFE, 0, 8, 42})), "0.00000042");
    EXPECT_EQ(shown(numeric({0, 0, 0xC000, 0})), "NaN");
}

TEST(postgres_types, infinite_times_are_the_ends_of_time) {
    std::string late, early;
    append_number(late, std::numeric_limits<std::int64_t>::max());
    append_number(early, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(decode(types::timestamptz, late), sql_value{sql_time::max()});
    EXPECT_EQ(decode(types::timestamptz, early), sql_value{sql_time::min()});
    std::string day;
    append_number(day, std::int32_t{1'342'361'150}); // what date holds and microseconds do not
    EXPECT_EQ(decode(types::date, day), sql_value{sql_time::max()});
}

TEST(postgres_types, bytes_that_are_not_of_their_type_never_crash) {
    prng random(1);
    int read = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (auto n = random.below(40); n > 0; --n)
            bytes += static_cast<char>(random.below(random.chance(0.5) ? 3 : 256));
        for (const type_id each :
             {types::boolean, types::int8, types::numeric, types::jsonb, types::uuid_type, types::date,
              type_id{1016}, type_id{1009}, type_id{1231}})
            read += decode(each, bytes) ? 1 : 0;
    }
    EXPECT_GT(read, 0);
    EXPECT_EQ(decode(types::int8, "abc").error().sqlstate(), "22P03");
    EXPECT_FALSE(readable(869));
}

} // namespace
} // namespace corvid::store::postgres

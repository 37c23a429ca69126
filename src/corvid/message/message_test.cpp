// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/envelope.hpp>
#include <corvid/message/message.hpp>

#include <gmock/gmock.h>

#include <limits>

namespace air {

enum class cabin { economy, business };
CORVID_ENUM(cabin, economy, business);

enum class gate : int { a = 1, b = 7 };
CORVID_ENUM(gate, (a, b));

struct leg {
    std::string origin;
    int miles = 7;
    std::vector<leg> alternatives;
};
CORVID_VALUE(leg, (origin, miles, alternatives), .defaults = {&leg::miles});

struct flight_v1 {
    std::string tail;
};
CORVID_MESSAGE(flight_v1, (tail), .topic = "air.flight.reported");

struct flight_v2 {
    std::string tail;
    int row = 0;
};
CORVID_MESSAGE(flight_v2, (tail, row), .topic = "air.flight.reported", .version = 2);

struct flight {
    int row = 0;
    std::optional<std::string> tail;
    std::vector<leg> legs;
};
CORVID_MESSAGE(flight, (row, tail, legs), .topic = "air.flight.reported", .key = &flight::tail, .version = 4,
               .event_type = "flight-reported", .event_id = corvid::uuid7,
               .defaults = {&flight::row, &flight::legs});

CORVID_UPCAST(flight_v1, flight_v2, [](flight_v1&& old) {
    flight_v2 made;
    made.tail = std::move(old.tail);
    return made;
});
CORVID_UPCAST(flight_v2, flight, [](flight_v2&& old) -> corvid::result<flight> {
    if (old.tail.empty()) return corvid::fail(corvid::errc::invalid_argument, {.message = "no tail"});
    flight made;
    made.tail = std::move(old.tail);
    return made;
});

struct seat {
    corvid::uuid id;
    cabin kind = cabin::economy;
    std::int64_t number = 0;
};
CORVID_MESSAGE(seat, (id, kind, number), .topic = corvid::unchecked("Legacy_Seats"), .key = &seat::number,
               .defaults = corvid::all_members);

} // namespace air

struct in_global_namespace {
    corvid::uuid id;
    air::cabin kind = air::cabin::economy;
};
CORVID_MESSAGE(in_global_namespace, (id, kind), .topic = "a.b", .key = &in_global_namespace::id);

struct keyed_by_enum {
    air::gate at = air::gate::a;
};
CORVID_MESSAGE(keyed_by_enum, (at), .topic = "a.b.c.d.e.f", .key = &keyed_by_enum::at);

struct with_52_members {
    int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4,
        c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9,
        f0, f1;
};
CORVID_VALUE(with_52_members, (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9,
                               c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9,
                               e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1));

namespace {

// Declarations must not warn in an unnamed namespace, where nothing may stay unused.
struct hidden_v1 {
    int a = 0;
};
CORVID_MESSAGE(hidden_v1, (a), .topic = "a.b");
struct hidden {
    air::cabin kind = air::cabin::economy;
};
CORVID_MESSAGE(hidden, (kind), .topic = "a.b", .version = 2);
CORVID_UPCAST(hidden_v1, hidden, [](hidden_v1&&) { return hidden{}; });

using corvid::message_traits;

TEST(message, traits_are_what_the_macro_was_told) {
    using traits = message_traits<air::flight>;
    static_assert(traits::topic == "air.flight.reported");
    static_assert(traits::name == "flight");
    static_assert(traits::event_type == "flight-reported");
    static_assert(traits::version == 4);
    static_assert(traits::has_key);
    static_assert(traits::event_id == corvid::uuid7);
    static_assert(message_traits<air::flight_v1>::version == 1);
    static_assert(message_traits<air::flight_v1>::event_type == "flight_v1");
    static_assert(!message_traits<air::flight_v1>::has_key);
    static_assert(message_traits<air::flight_v1>::event_id == corvid::event_id_policy::none);
    static_assert(message_traits<air::seat>::topic == "Legacy_Seats");
    static_assert(corvid::Message<air::flight> && corvid::Value<air::flight>);
    static_assert(corvid::Value<air::leg> && !corvid::Message<air::leg>);
    static_assert(!corvid::Value<int> && !corvid::Value<air::cabin>);
    EXPECT_EQ(corvid::reflect::member_count<with_52_members>, 52U);
}

TEST(message, key_is_the_text_of_its_member) {
    std::string scratch;
    air::flight f;
    EXPECT_EQ(message_traits<air::flight>::key_of(f, scratch), std::nullopt);
    f.tail = "N14228";
    const auto key = message_traits<air::flight>::key_of(f, scratch);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, "N14228");
    EXPECT_EQ(key->data(), f.tail->data()) << "texts are borrowed, not copied";
    EXPECT_EQ(message_traits<air::flight_v1>::key_of({.tail = "x"}, scratch), std::nullopt);
}

TEST(message, keys_of_numbers_enums_and_uuids_are_text) {
    std::string scratch;
    air::seat s;
    s.number = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(message_traits<air::seat>::key_of(s, scratch), "-9223372036854775808");
    in_global_namespace g;
    g.id = *corvid::uuid::parse("0192c2a0-7b3c-7def-8123-456789abcdef");
    EXPECT_EQ(message_traits<in_global_namespace>::key_of(g, scratch),
              "0192c2a0-7b3c-7def-8123-456789abcdef");
    EXPECT_EQ(message_traits<keyed_by_enum>::key_of({air::gate::b}, scratch), "b");
    EXPECT_EQ(message_traits<keyed_by_enum>::key_of({static_cast<air::gate>(5)}, scratch), std::nullopt);
}

TEST(message, enumerators_have_names_both_ways) {
    EXPECT_EQ(corvid::enum_name(air::gate::b), "b");
    EXPECT_EQ(corvid::enum_name(static_cast<air::gate>(3)), "");
    EXPECT_EQ(corvid::enum_from_name<air::cabin>("business"), air::cabin::business);
    EXPECT_EQ(corvid::enum_from_name<air::cabin>("first"), std::nullopt);
}

TEST(upcast, each_version_reaches_the_newest_through_the_chain) {
    int decoded = 0;
    const auto decode = [&]<class T>(T& as) -> corvid::result<void> {
        decoded = message_traits<T>::version;
        as.tail = "N1";
        return {};
    };
    for (int version : {1, 2, 4}) {
        air::flight f;
        ASSERT_TRUE(corvid::read_version(version, f, decode)) << version;
        EXPECT_EQ(decoded, version);
        EXPECT_EQ(f.tail, "N1");
    }
}

TEST(upcast, a_version_without_a_type_is_an_error_that_names_it) {
    const auto decode = [](auto&) -> corvid::result<void> { return {}; };
    for (int version : {0, 3, 5, -1}) {
        air::flight f;
        const auto read = corvid::read_version(version, f, decode);
        ASSERT_FALSE(read) << version;
        EXPECT_EQ(read.error(), corvid::errc::unknown_version);
        EXPECT_THAT(std::string(read.error().message()),
                    testing::HasSubstr("version " + std::to_string(version)));
        EXPECT_EQ(read.error().topic(), "air.flight.reported");
    }
}

TEST(upcast, a_refusal_keeps_its_cause_and_a_decode_error_passes_through) {
    air::flight f;
    const auto refused = corvid::read_version(1, f, [](auto&) -> corvid::result<void> { return {}; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), corvid::errc::upcast_failed);
    ASSERT_NE(refused.error().cause(), nullptr);
    EXPECT_EQ(refused.error().cause()->message(), "no tail");
    const auto broken = corvid::read_version(
        1, f, [](auto&) -> corvid::result<void> { return corvid::fail(corvid::errc::malformed_payload); });
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error(), corvid::errc::malformed_payload);
}

TEST(envelope, received_answers_from_its_record) {
    const corvid::header_list own = {{corvid::wire::correlation_id, std::string_view("c-1")}};
    corvid::record source;
    source.key = std::string_view("k");
    source.offset = 41;
    source.timestamp = 1'700'000'000'123;
    const air::flight_v1 message{.tail = "N1"};
    const corvid::received<air::flight_v1> r(
        &message, {.topic = "t", .where = corvid::partition_id(3), .source = &source, .own_headers = &own});
    EXPECT_FALSE(r.is_tombstone());
    EXPECT_EQ(r->tail, "N1");
    EXPECT_EQ(r.topic(), "t");
    EXPECT_EQ(r.partition().value, 3);
    EXPECT_EQ(r.offset().value, 41);
    EXPECT_EQ(r.key().text(), "k");
    EXPECT_EQ(r.timestamp().time_since_epoch().count(), 1'700'000'000'123);
    EXPECT_EQ(r.header("correlation_id"), "c-1");
    EXPECT_EQ(r.header("absent"), std::nullopt);
}

} // namespace

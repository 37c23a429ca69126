// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/json.hpp>
#include <corvid/serde/json/test_messages.hpp>

#include <gmock/gmock.h>

#include <limits>

namespace {

using corvid::errc;
namespace json = corvid::json;
using testing::HasSubstr;

template <class T>
std::string written(const T& value) {
    corvid::byte_buffer to;
    const auto done = json::encode(value, to);
    EXPECT_TRUE(done) << done.error().describe();
    return std::string(to.text());
}

/// `everything` out of one member; all others have their defaults.
corvid::result<air::everything> one(std::string_view member) {
    return json::decode<air::everything>("{" + std::string(member) + "}");
}

TEST(json_write, a_message_is_an_object_of_its_members_in_order) {
    air::flight_reported f;
    f.row = 1;
    f.scheduled = std::chrono::sys_days(std::chrono::year(2013) / 1 / 1) + std::chrono::hours(10);
    f.departure_delay = -2.5;
    f.carrier = "UA";
    f.flight = 1545;
    f.tail_number = "N14228";
    f.origin = "EWR";
    f.destination = "IAH";
    f.distance = 1400;
    EXPECT_EQ(written(f),
              R"({"row":1,"scheduled":"2013-01-01T10:00:00Z","departure_delay":-2.5,"carrier":"UA",)"
              R"("flight":1545,"tail_number":"N14228","origin":"EWR","destination":"IAH","distance":1400})");
}

TEST(json_write, every_kind_has_its_form) {
    air::everything e;
    e.flag = true;
    e.tiny = -128;
    e.byte = 255;
    e.wide = std::numeric_limits<std::int64_t>::min();
    e.unsigned_wide = std::numeric_limits<std::uint64_t>::max();
    e.single = 0.1F;
    e.real = 1e300;
    e.text = "a\"b\\c\n\x01/é";
    e.state = air::status::cancelled;
    e.maybe = air::leg{"EWR", "IAH", 1400};
    e.legs = {{"A", "B", 1}, {"C", "D", 2}};
    e.bits = {true, false};
    e.holes = {1, std::nullopt};
    e.triple = {1, 2, 3};
    e.sorted = {{"a", 0.5}, {"b\n", 2}};
    e.lists = {{"x", {1}}};
    e.payment = air::card{"42"};
    e.at = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(-1));
    e.exactly = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(1));
    e.took = std::chrono::milliseconds(1500);
    e.about = std::chrono::duration<double>(0.25);
    e.raw = {std::byte{0xff}, std::byte{0}};
    e.price = corvid::decimal<2>(1250);
    e.tree.children = {{.value = 1, .children = {}}};
    EXPECT_EQ(
        written(e),
        R"({"flag":true,"tiny":-128,"byte":255,"wide":-9223372036854775808,"unsigned_wide":18446744073709551615,)"
        R"("single":0.1,"real":1e+300,"text":"a\"b\\c\n\u0001/é","state":"cancelled",)"
        R"("maybe":{"origin":"EWR","destination":"IAH","miles":1400},)"
        R"("legs":[{"origin":"A","destination":"B","miles":1},{"origin":"C","destination":"D","miles":2}],)"
        R"("bits":[true,false],"holes":[1,null],"triple":[1,2,3],"sorted":{"a":0.5,"b\n":2},"lists":{"x":[1]},)"
        R"("payment":{"card":{"number":"42"}},"at":"1969-12-31T23:59:59.999Z",)"
        R"("exactly":"1970-01-01T00:00:00.000000001Z","day":"1970-01-01","took":1500,"about":0.25,)"
        R"("id":"00000000-0000-0000-0000-000000000000","raw":"/wA=","price":"12.50",)"
        R"("tree":{"value":0,"children":[{"value":1,"children":[]}]}})");
    const auto back = json::decode<air::everything>(written(e));
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(*back, e);
}

TEST(json_write, what_json_cannot_hold_is_an_error_with_its_path_and_leaves_the_buffer_as_it_was) {
    const auto failure = [](const air::everything& e) {
        corvid::byte_buffer to;
        to.append("before");
        const auto done = json::encode(e, to);
        EXPECT_FALSE(done);
        EXPECT_EQ(to.text(), "before");
        EXPECT_EQ(done.error(), errc::unserialisable);
        EXPECT_EQ(done.error().operation(), "encode");
        return std::string(done.error().message());
    };
    air::everything e;
    e.sorted["x y"] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(failure(e), HasSubstr("$.sorted[\"x y\"]: NaN"));
    e = {};
    e.single = std::numeric_limits<float>::infinity();
    EXPECT_THAT(failure(e), HasSubstr("$.single"));
    e = {};
    e.legs = {{}, {"\xff", "", 0}};
    EXPECT_THAT(failure(e), HasSubstr("$.legs[1].origin: the text is not valid UTF-8"));
    e = {};
    e.state = static_cast<air::status>(99);
    EXPECT_THAT(failure(e), HasSubstr("$.state"));
    e = {};
    e.day = std::chrono::year(2013) / 2 / 30;
    EXPECT_THAT(failure(e), HasSubstr("$.day"));
    e = {};
    e.at = std::chrono::sys_time<std::chrono::milliseconds>::max();
    EXPECT_THAT(failure(e), HasSubstr("$.at"));
    e = {};
    e.payment = std::string("\xc3");
    EXPECT_THAT(failure(e), HasSubstr("$.payment.string"));
}

TEST(json_read, unknown_members_are_ignored_wherever_they_stand) {
    for (std::string_view text : {
             R"({"zzz":[{"a":[null,true,false,1.5e-3,"\u00e9\ud83d\ude00",{}]}],"value":5,"children":[]})",
             R"({"value":5,"zzz":18446744073709551617,"children":[]})",
             R"({"value":5,"children":[],"":{},"value2":1,"valu":2,"val\u0075es":0})",
             "\n { \"children\" :\t[ ] , \"x\" : { \"y\" : [ ] } ,\r\n \"value\" : 5 } \n",
         }) {
        const auto read = json::decode<air::node>(text);
        ASSERT_TRUE(read) << text << read.error().describe();
        EXPECT_EQ(read->value, 5) << text;
    }
}

TEST(json_read, members_are_found_in_any_order_and_with_escaped_names) {
    const auto shuffled = json::decode<air::leg>(
        R"({"miles":3,"des\u0074ination":"B","origin":"\u0041\"\\\/\b\f\n\r\t\ud83d\ude00"})");
    ASSERT_TRUE(shuffled) << shuffled.error().describe();
    EXPECT_EQ(*shuffled, (air::leg{"A\"\\/\b\f\n\r\t\U0001F600", "B", 3}));
}

TEST(json_read, missing_members_need_an_optional_or_a_default) {
    air::with_defaults d{.a = 1, .b = "x", .c = 9, .d = 9, .e = 1};
    ASSERT_TRUE(json::decode(corvid::as_bytes(R"({"e":5})"), d));
    EXPECT_EQ(d.a, 7);
    EXPECT_EQ(d.b, "none");
    EXPECT_EQ(d.c, 3) << "an optional in .defaults has its initialiser's value";
    EXPECT_EQ(d.d, std::nullopt) << "an optional that is not is empty";
    const auto missing = json::decode<air::with_defaults>(R"({"a":5})");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), errc::missing_member);
    EXPECT_THAT(std::string(missing.error().message()), HasSubstr("$.e:"));
}

TEST(json_read, null_is_for_optionals_and_monostate_only) {
    EXPECT_EQ(one(R"("maybe":null)")->maybe, std::nullopt);
    EXPECT_EQ(one(R"("payment":null)")->payment.index(), 0U);
    EXPECT_EQ(one(R"("text":null)").error(), errc::wrong_type);
    EXPECT_EQ(one(R"("wide":null)").error(), errc::wrong_type);
    EXPECT_EQ(one(R"("legs":null)").error(), errc::wrong_type);
    EXPECT_EQ(one(R"("maybe":nul)").error(), errc::malformed_payload);
}

TEST(json_read, a_reused_object_keeps_nothing_of_the_last_document) {
    air::everything e;
    ASSERT_TRUE(
        json::decode(corvid::as_bytes(R"({"legs":[{"origin":"A","destination":"B","miles":1},)"
                                      R"({"origin":"C","destination":"D","miles":1}],"sorted":{"a":1},)"
                                      R"("holes":[1,2],"text":"long enough to live on the heap"})"),
                     e));
    ASSERT_TRUE(json::decode(
        corvid::as_bytes(R"({"legs":[{"origin":"X","destination":"Y","miles":1}],"holes":[null],)"
                         R"("sorted":{}})"),
        e));
    air::everything expected;
    expected.legs = {{"X", "Y", 1}};
    expected.holes = {std::nullopt};
    EXPECT_EQ(e, expected);
}

TEST(json_read, numbers_keep_every_digit_that_their_type_has) {
    EXPECT_EQ(one(R"("wide":-9223372036854775808)")->wide, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(one(R"("unsigned_wide":18446744073709551615)")->unsigned_wide,
              std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(one(R"("real":0.1)")->real, 0.1);
    EXPECT_EQ(one(R"("real":5)")->real, 5.0);
    EXPECT_EQ(one(R"("real":4.9e-324)")->real, 4.9e-324);
    EXPECT_EQ(one(R"("price":12.5)")->price, corvid::decimal<2>(1250));
    EXPECT_EQ(one(R"("price":"-92233720368547758.08")")->price,
              corvid::decimal<2>(std::numeric_limits<std::int64_t>::min()));
}

TEST(json_read, times_take_offsets_and_are_cut_to_their_resolution) {
    using namespace std::chrono;
    const auto day = sys_days(year(2013) / 1 / 1);
    EXPECT_EQ(one(R"("at":"2013-01-01T05:15:00.1239-05:00")")->at,
              day + hours(10) + minutes(15) + milliseconds(123));
    EXPECT_EQ(one(R"("at":"1969-12-31T23:59:59.9999Z")")->at.time_since_epoch(), milliseconds(-1));
    EXPECT_EQ(one(R"("exactly":"1677-09-21T00:12:43.145224192Z")")->exactly, sys_time<nanoseconds>::min());
    EXPECT_EQ(one(R"("exactly":"1677-09-21T00:12:43.145224191Z")").error(), errc::out_of_range);
    EXPECT_EQ(one(R"("exactly":"2300-01-01T00:00:00Z")").error(), errc::out_of_range);
}

TEST(json_read, variants_go_by_the_name_of_their_alternative) {
    EXPECT_EQ(std::get<air::card>(one(R"("payment":{"card":{"number":"1"}})")->payment).number, "1");
    EXPECT_EQ(std::get<std::string>(one(R"("payment":{"string":"1"})")->payment), "1");
    EXPECT_EQ(std::get<std::int64_t>(one(R"("payment":{"integer":1})")->payment), 1);
    EXPECT_EQ(std::get<bool>(one(R"("payment":{"boolean":true})")->payment), true);
    for (std::string_view bad : {R"("payment":{})", R"("payment":{"cheque":1})", R"("payment":{"null":null})",
                                 R"("payment":{"integer":1,"string":""})", R"("payment":5)"})
        EXPECT_EQ(one(bad).error(), errc::wrong_type) << bad;
}

TEST(json_read, errors_name_the_path_of_what_is_wrong) {
    const auto message = [](std::string_view member) { return std::string(one(member).error().message()); };
    EXPECT_THAT(message(R"("legs":[{"origin":"A","destination":"B","miles":1},{"origin":5}])"),
                HasSubstr("$.legs[1].origin: expected a string, found a number"));
    EXPECT_THAT(message(R"("tree":{"value":1,"children":[{"value":1},{"value":true}]})"),
                HasSubstr("$.tree.children[1].value: expected an integer, found a boolean"));
    EXPECT_THAT(message(R"("lists":{"a b":[1,[]]})"),
                HasSubstr("$.lists[\"a b\"][1]: expected an integer, found an array"));
    EXPECT_THAT(message(R"("payment":{"card":{"number":1}})"), HasSubstr("$.payment.card.number"));
    EXPECT_THAT(message(R"("zzz":[1e999999])"), HasSubstr("$.zzz:"));
    EXPECT_THAT(message(R"("state":"late")"), HasSubstr("$.state: \"late\""));
    EXPECT_THAT(std::string(json::decode<air::leg>("[]").error().message()),
                HasSubstr("$: expected an object, found an array"));
    EXPECT_EQ(one(R"("wide":"x")").error().operation(), "decode");
}

TEST(json_read, text_of_a_payload_in_an_error_is_cut_and_clean) {
    const auto failed = one("\"state\":\"a\\n\\u001b" + std::string(1000, 'x') + "\"");
    EXPECT_LT(failed.error().message().size(), 200U);
    EXPECT_EQ(failed.error().message().find('\x1b'), std::string_view::npos);
    EXPECT_EQ(failed.error().message().find('\n'), std::string_view::npos);
}

} // namespace

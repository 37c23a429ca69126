// SPDX-License-Identifier: Apache-2.0
// The words that go to a database: names, inserts, and what its answers mean.
#include <corvid/store/identifier.hpp>
#include <corvid/store/insert.hpp>
#include <corvid/store/settings.hpp>
#include <corvid/store/sqlstate.hpp>

#include <boost/describe/class.hpp>
#include <gtest/gtest.h>

#include <array>

namespace corvid::store {

struct row {
    std::int64_t id;
    std::optional<std::string> label;
};
BOOST_DESCRIBE_STRUCT(row, (), (id, label))
static_assert(Described<row>);

namespace {

using namespace std::chrono_literals;

TEST(identifier, quotes_whatever_is_a_name) {
    EXPECT_EQ(identifier("orders").quoted(), R"("orders")");
    EXPECT_EQ(identifier(R"(a"; drop table x; --)").quoted(), R"("a""; drop table x; --")");
    EXPECT_EQ(identifier("Größe 🛫").quoted(), "\"Größe 🛫\"");
    EXPECT_EQ(identifier::parse_qualified("shop.orders")->quoted(), R"("shop"."orders")");
    EXPECT_EQ(identifier::parse_qualified("a.b.c")->quoted(), R"("a"."b.c")");
}

TEST(identifier, refuses_what_databases_would_cut_or_misread) {
    for (const std::string& bad : {std::string(), std::string(64, 'a'), std::string("a\0b", 3),
                                   std::string("\xff"), std::string("\xc3"), std::string("\xc0\xaf"),
                                   std::string("\xed\xa0\x80"), std::string("\xf5\x80\x80\x80")}) {
        const auto parsed = identifier::parse(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code(), errc::invalid_name);
        EXPECT_THROW(identifier{bad}, config_error);
    }
    EXPECT_TRUE(identifier::parse(std::string(63, 'a')));
    EXPECT_FALSE(identifier::parse_qualified(".a"));
    EXPECT_FALSE(identifier::parse_qualified("a."));
}

TEST(insert_statement, has_a_place_for_each_value_of_each_row) {
    const std::array<row, 2> rows{row{1, "a"}, row{2, {}}};
    const statement made = insert_statement("shop.line", std::span<const row>(rows));
    EXPECT_EQ(made.sql, R"(insert into "shop"."line"("id","label") values ($1,$2),($3,$4))");
    EXPECT_EQ(made.parameters,
              (std::vector<sql_value>{{std::int64_t{1}}, {std::string("a")}, {std::int64_t{2}}, {}}));
    EXPECT_THROW((void)insert_sql("t", std::array<std::string_view, 1>{"a"}, max_parameters + 1),
                 std::length_error);
    EXPECT_THROW((void)insert_sql("", std::array<std::string_view, 1>{"a"}, 1), config_error);
}

TEST(sqlstate, tells_whose_fault_it_is) {
    for (const char* again : {"40001", "40P01", "08006", "08001", "53300", "53100", "57P01", "57014", "55P03",
                              "58030", "XX000", "25006", "25P03"})
        EXPECT_EQ(kind_of_sqlstate(again), error_kind::retriable) << again;
    for (const char* theirs : {"22003", "22P02", "23505", "23503", "23514", "P0001", "21000", "54000"})
        EXPECT_EQ(kind_of_sqlstate(theirs), error_kind::rejected) << theirs;
    for (const char* ours : {"42601", "42P01", "42501", "28P01", "3D000", "0A000", "25P02", "", "?"})
        EXPECT_EQ(kind_of_sqlstate(ours), error_kind::fatal) << ours;
}

TEST(sqlstate, becomes_an_error_with_a_code_and_a_remedy) {
    EXPECT_EQ(database_error("23505", "m", "o").code(), errc::statement_rejected);
    EXPECT_EQ(database_error("40P01", "m", "o").code(), errc::database_busy);
    EXPECT_EQ(database_error("57P01", "m", "o").code(), errc::database_unreachable);
    EXPECT_EQ(database_error("57014", "m", "o").code(), errc::statement_timed_out);
    EXPECT_EQ(database_error("25P03", "m", "o").code(), errc::statement_timed_out);
    EXPECT_EQ(database_error("28P01", "m", "o").code(), errc::database_refused);
    EXPECT_EQ(database_error("42P01", "m", "o").code(), errc::statement_wrong);
    EXPECT_NE(database_error("53300", "m", "o").hint().find("max_connections"), std::string_view::npos);
    EXPECT_TRUE(ends_session("57P01"));
    EXPECT_TRUE(ends_session("25P03"));
    EXPECT_FALSE(ends_session("57014"));
}

TEST(database_settings, that_cannot_work_are_refused_by_name) {
    const database_settings good{.url = "sqlite:a.db"};
    EXPECT_TRUE(validate(good));
    const auto refuses = [&](auto change, std::string_view name) {
        database_settings bad = good;
        change(bad);
        const auto valid = validate(bad);
        ASSERT_FALSE(valid) << name;
        EXPECT_NE(valid.error().message().find(name), std::string_view::npos) << valid.error().describe();
    };
    refuses([](auto& s) { s.url = "mysql://x:secret@y"; }, "database.url");
    refuses([](auto& s) { s.pool_size = 0; }, "database.pool_size");
    refuses([](auto& s) { s.acquire_timeout = 0ms; }, "database.acquire_timeout");
    refuses([](auto& s) { s.lock_timeout = 11s; }, "database.statement_deadline");
    refuses([](auto& s) { s.statement_cache = 1; }, "database.statement_cache");
    EXPECT_EQ(validate({.url = "x:secret@y"}).error().describe().find("secret"), std::string::npos);
}

TEST(json_array, is_text_that_sqlite_can_take_apart) {
    using strings = std::vector<std::string>;
    const sql_value v = sql_codec<strings>::to_sql({"a", "\"\\\n\x01", "ä"});
    EXPECT_EQ(to_json_array(std::get<sql_array>(v.held)).value_or(""), R"(["a","\"\\\u000a\u0001","ä"])");
    const sql_array mixed{{{std::int64_t{-5}}, {true}, {}, {0.5}, {sql_time(7us)}}};
    EXPECT_EQ(to_json_array(mixed).value_or(""), "[-5,true,null,0.5,7]");
    EXPECT_FALSE(to_json_array(sql_array{{{sql_bytes{"x"}}}}));
    EXPECT_FALSE(to_json_array(sql_array{{{std::numeric_limits<double>::infinity()}}}));
}

} // namespace
} // namespace corvid::store

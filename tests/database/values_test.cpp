// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"
#include <corvid/store/identifier.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <limits>

namespace corvid::test {

enum class colour : std::uint8_t { red, green };
BOOST_DESCRIBE_ENUM(colour, red, green)

struct everything {
    std::int64_t id;
    bool flag;
    std::int32_t small;
    std::int64_t large;
    double ratio;
    std::string label;
    std::vector<std::byte> raw;
    store::sql_time happened;
    uuid reference;
    colour paint;
    std::optional<std::string> note;
    std::optional<std::int64_t> count;
    bool operator==(const everything&) const = default;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (id, flag, small, large, ratio, label, raw, happened, reference, paint, note, count))

void PrintTo(const everything& e, std::ostream* out) {
    *out << "everything " << e.id << " `" << e.label << '`';
}

struct pair_row {
    std::int64_t id;
    std::string label;
    bool operator==(const pair_row&) const = default;
};
BOOST_DESCRIBE_STRUCT(pair_row, (), (id, label))

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

class database_values : public database_test {
protected:
    database_values() {
        open();
        run("create table everything(id " + type("bigint") + " primary key, flag " + type("bool") +
            ", small " + type("int") + ", large " + type("bigint") + ", ratio " + type("double") +
            ", label " + type("text") + ", raw " + type("bytes") + ", happened " + type("time") +
            ", reference " + type("uuid") + ", paint " + type("text") + ", note " + type("text") +
            ", count " + type("bigint") + ")");
    }
    void round_trip(const everything& row) {
        run("insert into everything values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)", row);
        EXPECT_EQ(read<everything>("select * from everything where id = $1", row.id), std::vector{row});
    }
};

using limits64 = std::numeric_limits<std::int64_t>;
using limits32 = std::numeric_limits<std::int32_t>;

} // namespace

TEST_F(database_values, of_every_type_come_back_as_they_went) {
    const store::sql_time now(std::chrono::microseconds(1'700'000'000'123'456));
    const uuid id = *uuid::parse("0189e36b-5c5a-7d3e-8b0a-3d2f1c0b9a87");
    round_trip({1, true, -7, 8, 0.1, "plain", bytes_of("abc"), now, id, colour::green, "noted", 5});
    round_trip({2,
                false,
                limits32::min(),
                limits64::min(),
                -1e300,
                "",
                {},
                store::sql_time{},
                uuid{},
                colour::red,
                {},
                {}});
    round_trip({3, true, limits32::max(), limits64::max(), 5e-324, "ä€🛫",
                bytes_of(std::string_view("\0\xff\x80'", 4)), store::sql_time(std::chrono::microseconds(-1)),
                id, colour::red, "", 0});
    round_trip({4,
                true,
                0,
                1'000'000'000'000,
                3,
                "x",
                bytes_of("\\x41"),
                now + std::chrono::years{70},
                id,
                colour::red,
                {},
                {}});
}

TEST_F(database_values, of_text_are_never_read_as_sql) {
    std::int64_t id = 10;
    for (const std::string text :
         {"'; drop table everything; --", "\" \\ ' '' $1 %s ?1 :a", "a\nb\tc\r", "\\'", "{\"a\": 1}", "NULL"})
        round_trip({++id, true, 0, 0, 0, text, bytes_of(text), {}, {}, colour::red, text, {}});
    EXPECT_EQ(read<std::int64_t>("select count(*) from everything where label = note"),
              std::vector<std::int64_t>{6});
}

TEST_F(database_values, of_hostile_table_names_are_names_alone) {
    for (const std::string name : {R"(x"; drop table everything; --)", "select", "a b", "Größe", "x'y"}) {
        const std::string quoted = store::identifier(name).quoted();
        run("create table " + quoted + "(id " + type("bigint") + " primary key, label " + type("text") + ")");
        unit_of_work unit;
        unit.insert(name, std::vector{pair_row{1, name}});
        const auto written = get(db_->write(std::move(unit)));
        ASSERT_TRUE(written) << written.error().describe();
        EXPECT_EQ(read<pair_row>("select id, label from " + quoted), (std::vector{pair_row{1, name}}));
    }
    EXPECT_EQ(read<std::int64_t>("select count(*) from everything"), std::vector<std::int64_t>{0});
}

TEST_F(database_values, a_megabyte_of_text_and_of_bytes_passes_both_ways) {
    std::string large(1 << 20, 'x');
    for (std::size_t i = 0; i < large.size(); i += 100)
        large[i] = '\'';
    round_trip({1, true, 0, 0, 0, large, bytes_of(large), {}, {}, colour::red, {}, {}});
}

TEST_F(database_values, parameters_go_by_their_number_not_by_their_place) {
    run("insert into everything(note, label, id, large) values ($2, $3, $1, $1)", 1, "second", "third");
    EXPECT_EQ(read<std::string>("select note from everything where id = $1 and large = $1", 1),
              std::vector<std::string>{"second"});
}

TEST_F(database_values, more_or_fewer_than_the_statement_takes_are_refused_before_it_runs) {
    EXPECT_EQ(refused("insert into everything(id) values ($1)", 1, 2).sqlstate(), "42P02");
    EXPECT_EQ(refused("insert into everything(id, small) values ($1, $2)", 1).sqlstate(), "42P02");
    EXPECT_EQ(read<std::int64_t>("select count(*) from everything"), std::vector<std::int64_t>{0});
}

TEST_F(database_values, of_a_struct_take_their_columns_by_name_and_all_of_them) {
    run("insert into everything(id, label) values (1, 'a'), (2, 'b')");
    EXPECT_EQ(read<pair_row>("select label, id from everything order by id"),
              (std::vector<pair_row>{{1, "a"}, {2, "b"}}));
    const auto missing = get(db_->query<pair_row>("select id from everything"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), errc::wrong_column);
    EXPECT_NE(missing.error().message().find("`label`"), std::string_view::npos);
    const auto more = get(db_->query<pair_row>("select id, label, small from everything"));
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().message().find("`small`"), std::string_view::npos);
}

TEST_F(database_values, that_do_not_fit_the_type_read_are_refused_by_column_and_row) {
    run("insert into everything(id, label, large) values (1, null, 3000000000)");
    const auto null = get(db_->query<pair_row>("select id, label from everything"));
    ASSERT_FALSE(null);
    EXPECT_EQ(null.error().code(), errc::wrong_column);
    EXPECT_NE(null.error().message().find("column `label`, row 0: found null"), std::string_view::npos);
    EXPECT_FALSE(get(db_->query<std::int32_t>("select large from everything")));
    EXPECT_FALSE(get(db_->query<std::string>("select large from everything")));
}

TEST_F(database_values, rows_of_a_struct_are_inserted_by_one_statement) {
    run("create table pairs(id " + type("bigint") + " primary key, label " + type("text") + ")");
    std::vector<pair_row> rows;
    for (std::int64_t i = 0; i < 500; ++i)
        rows.push_back({i, "row " + std::to_string(i)});
    unit_of_work unit;
    unit.insert("pairs", rows);
    unit.insert("pairs", std::vector<pair_row>{});
    ASSERT_EQ(unit.recorded().size(), 1U);
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    EXPECT_EQ(read<pair_row>("select id, label from pairs order by id"), rows);
}

TEST_F(database_values, changed_rows_are_counted) {
    EXPECT_EQ(run("insert into everything(id) values (1), (2), (3)"), 3);
    EXPECT_EQ(run("update everything set small = 1 where id > $1", 1), 2);
    EXPECT_EQ(run("delete from everything where id = 99"), 0);
    EXPECT_EQ(run("insert into everything(id) values (1) on conflict do nothing"), 0);
}

} // namespace corvid::test

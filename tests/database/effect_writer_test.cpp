// SPDX-License-Identifier: Apache-2.0
#include "inbox_harness.hpp"

#include <algorithm>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class effect_writing : public inbox_test {
protected:
    effect_writer& writer(const writer_settings& settings = {.linger = 1ms}) {
        return writer_.emplace(*db_, "billing", told_.sink(), settings);
    }
    // What became of each tag, in the order of being told.
    std::vector<std::pair<std::uint64_t, std::string>> fates(std::size_t count) {
        std::vector<std::pair<std::uint64_t, std::string>> list;
        for (const settled& each : told_.wait(count))
            list.emplace_back(each.tag, fate_of(each.outcome));
        return list;
    }

    settled_events told_;
    std::optional<effect_writer> writer_;
};

using fate_list = std::vector<std::pair<std::uint64_t, std::string>>;
const std::string held = to_string(errc::effect_held);
const std::string rejected = to_string(errc::statement_rejected);

template <class... Effects>
std::vector<effect> list_of(Effects... each) {
    std::vector<effect> list;
    (list.push_back(std::move(each)), ...);
    return list;
}

TEST_F(effect_writing, a_mark_that_is_none_is_refused_alone_and_costs_nothing_before_it) {
    writer().add(list_of(recorded("a", 1, 7, 1), recorded("", 1, 7, 2), recorded("b", 1, 7, 3)));
    EXPECT_EQ(fates(3), (fate_list{{1, "processed"}, {2, rejected}, {3, held}}));
    EXPECT_EQ(effects(), texts{"a"});
}

TEST_F(effect_writing, what_repeats_an_event_of_another_lane_is_not_overtaken_by_its_own) {
    // The first copy is refused with its lane; the second is written then, and what is behind it after it.
    run("create table at(id " + type("text") + ", n " +
        std::string(postgres() ? "bigserial" : "integer primary key autoincrement") + ")");
    const auto noted = [](const std::string& id, std::uint64_t lane, std::uint64_t tag) {
        effect one{.tag = tag, .lane = lane, .mark = {.id = id}};
        one.unit.execute("insert into at(id) values ($1)", id + '/' + std::to_string(lane));
        return one;
    };
    auto bad = noted("x", 1, 1);
    record(bad.unit, "x", 100);
    writer({.linger = 1ms, .transactions = 1})
        .add(list_of(std::move(bad), noted("x", 2, 2), noted("y", 2, 3)));
    EXPECT_EQ(fates(3), (fate_list{{1, rejected}, {2, "processed"}, {3, "processed"}}));
    EXPECT_EQ(read<std::string>("select id from at order by n"), (texts{"x/2", "y/2"}));
}

TEST_F(effect_writing, keeps_the_order_of_a_lane) {
    run("create table numbered(lane " + type("bigint") + ", n " + type("bigint") + ")");
    std::vector<effect> batch;
    constexpr std::int64_t lanes = 7, count = 2'000;
    for (std::int64_t i = 0; i < count; ++i) {
        effect one{.tag = static_cast<std::uint64_t>(i),
                   .lane = static_cast<std::uint64_t>(i % lanes),
                   .mark = {.id = std::to_string(i)}};
        // writes nothing where an earlier one of the lane is missing
        one.unit.execute("insert into numbered select cast($1 as " + type("bigint") + "), cast($2 as " +
                             type("bigint") +
                             ") where coalesce((select max(n) from numbered where lane = $1), -1) = "
                             "cast($2 as " +
                             type("bigint") + ") - 1",
                         i % lanes, i / lanes);
        batch.push_back(std::move(one));
    }
    writer({.max_records = 50, .linger = 1ms, .transactions = 3}).add(std::move(batch));
    for (const settled& each : told_.wait(static_cast<std::size_t>(count)))
        ASSERT_TRUE(each.outcome) << each.tag << ": " << each.outcome.error().describe();
    EXPECT_EQ(read<std::int64_t>("select count(*) from numbered"), std::vector<std::int64_t>{count});
}

TEST_F(effect_writing, a_refused_record_closes_its_lane_until_it_is_reopened) {
    writer().add(list_of(recorded("a", 1, 1, 1), recorded("bad", 100, 1, 2), recorded("c", 1, 1, 3),
                         recorded("d", 1, 2, 4)));
    auto told = fates(4);
    std::ranges::sort(told);
    EXPECT_EQ(told, (fate_list{{1, "processed"}, {2, rejected}, {3, held}, {4, "processed"}}));
    writer_->add(list_of(recorded("c", 1, 1, 5)));
    EXPECT_EQ(fates(5).back(), std::pair(std::uint64_t{5}, held));
    writer_->reopen(1);
    writer_->add(list_of(recorded("c", 1, 1, 6)));
    EXPECT_EQ(fates(6).back(), std::pair(std::uint64_t{6}, std::string("processed")));
    EXPECT_EQ(effects(), (texts{"a", "c", "d"}));
}

TEST_F(effect_writing, a_unit_without_statements_leaves_its_mark) {
    writer().add(list_of(effect{.tag = 1, .mark = {.id = "skipped"}}));
    EXPECT_EQ(fates(1), (fate_list{{1, "processed"}}));
    EXPECT_EQ(marks(), texts{"skipped"});
    writer_->add(list_of(recorded("skipped", 1, 0, 2)));
    EXPECT_EQ(fates(2).back().second, "already");
    EXPECT_EQ(effects(), texts{});
}

TEST_F(effect_writing, an_event_that_asks_comes_after_what_its_lane_recorded) {
    struct steps {
        static task<std::string> run(effect_writer& writer, std::string id, std::uint64_t lane) {
            auto beginning = writer.begin({.id = std::move(id)}, lane);
            auto begun = co_await beginning;
            if (!begun) co_return to_string(begun.error().code());
            unit_of_work unit{std::shared_ptr<unit_reader>(*begun)};
            auto rows = co_await unit.query<std::int64_t>("select count(*) from effect");
            if (!rows) co_return to_string(rows.error().code());
            unit.execute("insert into effect(id, size) values ($1, $2)", "asked", rows->front());
            co_return fate_of(co_await (*begun)->commit(unit));
        }
    };
    effect_writer& out = writer({.linger = 500ms});
    out.add(list_of(recorded("a", 1, 7), recorded("b", 1, 7)));
    EXPECT_EQ(on_loop(steps::run(out, "c", 7)), "processed");
    EXPECT_EQ(read<int>("select size from effect where id = 'asked'"), std::vector<int>{2});
    EXPECT_EQ(on_loop(steps::run(out, "c", 7)), to_string(errc::already_processed));
    out.add(list_of(recorded("bad", 100, 7)));
    EXPECT_EQ(on_loop(steps::run(out, "d", 7)), held);
}

TEST_F(effect_writing, events_that_are_handled_together_run_on_those_that_are_new) {
    struct steps {
        static task<std::vector<bool>> run(effect_writer& writer, std::vector<event_mark> marks) {
            const std::size_t count = marks.size();
            auto beginning = writer.begin_batch(std::move(marks));
            auto begun = co_await beginning;
            std::vector<bool> fresh;
            if (!begun) co_return fresh;
            unit_of_work unit{std::shared_ptr<unit_reader>(*begun)};
            for (std::size_t i = 0; i < count; ++i) {
                fresh.push_back((*begun)->is_new(i));
                if (fresh.back())
                    unit.execute("insert into effect(id, size) values ($1, $2)", "batch",
                                 static_cast<int>(i));
            }
            const auto outcome = co_await (*begun)->commit(unit);
            EXPECT_TRUE(outcome);
            co_return fresh;
        }
        static std::vector<event_mark> marks(std::initializer_list<const char*> ids) {
            std::vector<event_mark> list;
            for (const char* id : ids)
                list.push_back({.id = id});
            return list;
        }
    };
    using flags = std::vector<bool>;
    auto& out = writer();
    EXPECT_EQ(on_loop(steps::run(out, steps::marks({"b", "a", "b"}))), (flags{true, true, false}));
    EXPECT_EQ(on_loop(steps::run(out, steps::marks({"c", "a"}))), (flags{true, false}));
    EXPECT_EQ(on_loop(steps::run(out, steps::marks({"c", "a"}))), (flags{false, false}));
    EXPECT_EQ(effects().size(), 3U);
    EXPECT_EQ(marks(), (texts{"a", "b", "c"}));
}

TEST_F(effect_writing, what_the_database_refuses_for_all_is_told_to_each_and_is_fatal) {
    run("drop table processed_events" + std::string(postgres() ? " cascade" : ""));
    writer().add(list_of(recorded("a", 1, 1, 1), recorded("b", 1, 2, 2)));
    for (const settled& each : told_.wait(2)) {
        ASSERT_FALSE(each.outcome);
        EXPECT_EQ(each.outcome.error().kind(), error_kind::fatal) << each.outcome.error().describe();
    }
}

TEST_F(effect_writing, closing_gives_back_what_was_not_begun) {
    writer({.linger = 10s}).add(list_of(recorded("a", 1, 1, 1)));
    writer_->close();
    EXPECT_EQ(fates(1), (fate_list{{1, to_string(errc::stopped)}}));
    writer_->add(list_of(recorded("b", 1, 1, 2)));
    EXPECT_EQ(fates(2).back().second, to_string(errc::stopped));
    EXPECT_EQ(effects(), texts{});
}

TEST_F(effect_writing, a_transaction_closes_when_it_is_full_or_flushed) {
    writer({.max_records = 3, .linger = 10s}).add(list_of(recorded("a"), recorded("b")));
    EXPECT_EQ(effects(), texts{});
    writer_->add(list_of(recorded("c")));
    told_.wait(3);
    writer_->add(list_of(recorded("d")));
    writer_->flush();
    told_.wait(4);
    EXPECT_EQ(effects(), (texts{"a", "b", "c", "d"}));
}

} // namespace
} // namespace corvid::test

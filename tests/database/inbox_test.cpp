// SPDX-License-Identifier: Apache-2.0
#include "inbox_harness.hpp"

#include <algorithm>

namespace corvid::test {
namespace {

class inbox_effects : public inbox_test {
protected:
    result<processing> process(const std::string& id, std::int64_t size = 1) {
        return on_loop(box_->process_if_new(id, [&](unit_of_work& unit) {
            ++calls_;
            record(unit, id, size);
        }));
    }
    // Each event is a lane of its own; answers in the order of the events.
    std::vector<result<processing>> write(
        std::initializer_list<std::pair<std::string, std::int64_t>> events) {
        std::vector<effect> batch;
        for (const auto& [id, size] : events)
            batch.push_back(recorded(id, size, batch.size(), batch.size()));
        const std::size_t count = batch.size();
        settled_events told;
        effect_writer writer(*db_, "billing", told.sink(), {.transactions = 1});
        writer.add(std::move(batch));
        std::vector<result<processing>> outcomes(count, processing::processed);
        for (settled& each : told.wait(count))
            outcomes[each.tag] = std::move(each.outcome);
        return outcomes;
    }

    int calls_ = 0;
};

TEST_F(inbox_effects, happen_once_and_a_duplicate_does_not_even_run) {
    EXPECT_EQ(process("a").value_or(processing::already_processed), processing::processed);
    EXPECT_EQ(process("a").value_or(processing::processed), processing::already_processed);
    EXPECT_EQ(calls_, 1);
    EXPECT_EQ(effects(), texts{"a"});
    EXPECT_EQ(marks(), texts{"a"});
}

TEST_F(inbox_effects, that_fail_leave_no_mark_so_that_another_attempt_counts) {
    const auto refused = process("a", 100);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), error_kind::rejected);
    EXPECT_EQ(marks(), texts{});
    const auto thrown =
        on_loop(box_->process_if_new("a", [](unit_of_work&) { throw std::runtime_error("no"); }));
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().code(), errc::handler_threw);
    const auto answered = on_loop(box_->process_if_new(
        "a", [](unit_of_work&) -> result<void> { return fail(errc::handler_rejected); }));
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().code(), errc::handler_rejected);
    EXPECT_EQ(process("a").value_or(processing::already_processed), processing::processed);
    EXPECT_EQ(effects(), texts{"a"});
}

TEST_F(inbox_effects, of_one_event_happen_once_in_each_group) {
    for (const std::string group : {"billing", "shipping", "billing"})
        EXPECT_TRUE(on_loop(box_->process_if_new(event_mark{.id = "a", .group = group},
                                                 [](unit_of_work& unit) { record(unit, "a"); })));
    EXPECT_EQ(effects(), (texts{"a", "a"}));
}

TEST_F(inbox_effects, of_events_that_come_to_many_at_once_happen_once) {
    struct steps {
        static task<void> run(inbox& box, std::string id, int& processed, std::string& failures) {
            for (int attempt = 0; attempt < 20; ++attempt) {
                auto outcome = co_await box.process_if_new(id, [&](unit_of_work& unit) { record(unit, id); });
                if (outcome && *outcome == processing::processed) ++processed;
                if (outcome) co_return;
                if (outcome.error().kind() != error_kind::retriable) failures += outcome.error().describe();
            }
        }
    };
    int processed = 0;
    std::string failures;
    task_scope scope;
    for (int i = 0; i < 60; ++i)
        scope.spawn(client_->loop(), steps::run(*box_, std::to_string(i % 10), processed, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(processed, 10);
    EXPECT_EQ(effects().size(), 10U);
}

TEST_F(inbox_effects, hostile_ids_are_the_records_fault_and_touch_nothing) {
    for (const std::string& id :
         {std::string(), std::string(1 << 20, 'x'), std::string("a\0b", 3), std::string("\xff")}) {
        const auto outcome = process(id);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().kind(), error_kind::rejected);
        EXPECT_EQ(outcome.error().code(), errc::statement_rejected);
    }
    EXPECT_TRUE(process("'); drop table processed_events; --"));
    EXPECT_TRUE(process(std::string(1000, 'x')));
    EXPECT_EQ(calls_, 2);
}

TEST_F(inbox_effects, of_a_batch_are_written_with_their_marks_and_duplicates_are_told) {
    ASSERT_TRUE(process("b"));
    const auto outcomes = write({{"c", 1}, {"a", 1}, {"b", 1}, {"a", 2}});
    ASSERT_EQ(outcomes.size(), 4U);
    using enum processing;
    EXPECT_EQ(outcomes[0].value_or(already_processed), processed);
    EXPECT_EQ(outcomes[1].value_or(already_processed), processed);
    EXPECT_EQ(outcomes[2].value_or(processed), already_processed);
    EXPECT_EQ(outcomes[3].value_or(processed), already_processed) << "the same id twice in a batch";
    EXPECT_EQ(effects(), (texts{"a", "b", "c"}));
    EXPECT_EQ(marks(), (texts{"a", "b", "c"}));
    EXPECT_EQ(read<std::int64_t>(
                  "select count(*) from processed_events where topic = 'shop.order.placed' and partition = 3 "
                  "and \"offset\" = 7"),
              std::vector<std::int64_t>{2});
    EXPECT_EQ(write({}).size(), 0U);
}

TEST_F(inbox_effects, bad_records_of_a_batch_cost_no_other_its_effect) {
    const auto outcomes =
        write({{"a", 1}, {"bad1", 100}, {"b", 1}, {"", 1}, {"bad2", 100}, {"c", 1}, {"bad1", 100}});
    ASSERT_EQ(outcomes.size(), 7U);
    for (const std::size_t good : {0U, 2U, 5U})
        EXPECT_EQ(outcomes[good].value_or(processing::already_processed), processing::processed);
    for (const std::size_t bad : {1U, 3U, 4U, 6U}) {
        ASSERT_FALSE(outcomes[bad]) << bad;
        EXPECT_EQ(outcomes[bad].error().kind(), error_kind::rejected);
    }
    EXPECT_EQ(effects(), (texts{"a", "b", "c"}));
    EXPECT_EQ(marks(), (texts{"a", "b", "c"}));
}

TEST_F(inbox_effects, of_the_same_events_from_many_writers_happen_once) {
    constexpr std::size_t writers = 6, events = 200;
    std::vector<settled_events> told(writers);
    std::vector<std::unique_ptr<effect_writer>> all;
    for (std::size_t w = 0; w < writers; ++w) {
        all.push_back(std::make_unique<effect_writer>(*db_, "billing", told[w].sink(),
                                                      writer_settings{.max_records = 20 + w}));
        std::vector<effect> batch;
        for (std::size_t i = 0; i < events; ++i) {
            const std::size_t event = w % 2 == 0 ? i : events - 1 - i;
            batch.push_back(recorded(std::to_string(event), 1, event, event));
        }
        all.back()->add(std::move(batch));
    }
    std::size_t processed = 0;
    for (settled_events& each : told)
        for (const settled& one : each.wait(events)) {
            EXPECT_TRUE(one.outcome) << one.outcome.error().describe();
            processed += one.outcome == processing::processed ? 1 : 0;
        }
    EXPECT_EQ(processed, events);
    EXPECT_EQ(effects().size(), events);
    EXPECT_EQ(marks().size(), events);
}

TEST_F(inbox_effects, of_a_function_that_asks_see_what_it_recorded_before) {
    run("create table stock(id " + type("text") + ", pieces " + type("int") + ")");
    run("insert into stock(id, pieces) values ($1, $2)", "bolt", 2);
    struct steps {
        static task<result<void>> take_one(unit_of_work& unit, int& left) {
            unit.execute("update stock set pieces = pieces - 1 where id = $1", "bolt");
            auto rows = co_await unit.query<int>("select pieces from stock where id = $1", "bolt");
            if (!rows) co_return fail(std::move(rows.error()));
            left = rows->front();
            if (left < 0) co_return fail(errc::handler_rejected, {.message = "none left"});
            unit.execute("insert into effect(id, size) values ($1, $2)", "left", left);
            co_return result<void>{};
        }
    };
    int left = -1;
    const auto take = [&](const std::string& id) {
        return on_loop(
            box_->process_if_new(id, [&](unit_of_work& unit) { return steps::take_one(unit, left); }));
    };
    EXPECT_EQ(fate_of(take("a")), "processed");
    EXPECT_EQ(left, 1);
    EXPECT_EQ(fate_of(take("a")), "already");
    EXPECT_EQ(fate_of(take("b")), "processed");
    EXPECT_EQ(fate_of(take("c")), to_string(errc::handler_rejected));
    EXPECT_EQ(read<int>("select pieces from stock"), std::vector<int>{0});
    EXPECT_EQ(effects().size(), 2U);
    EXPECT_EQ(marks(), (texts{"a", "b"}));
}

} // namespace
} // namespace corvid::test

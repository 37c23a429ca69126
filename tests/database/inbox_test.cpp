// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"
#include <corvid/inbox/inbox.hpp>

#include <algorithm>

namespace corvid::test {
namespace {

class inbox_effects : public database_test {
protected:
    inbox_effects() {
        open([](database_settings& s) { s.pool_size = 4; });
        box_.emplace(*db_, inbox_settings{.group = "billing"});
        EXPECT_EQ(get(box_->migrate()).value_or(-1), 1);
        EXPECT_EQ(get(box_->migrate()).value_or(-1), 0);
        run("create table effect(id " + type("text") + " not null, size " + type("int") +
            " check (size < 100))");
    }

    static void effect(unit_of_work& unit, const std::string& id, std::int64_t size = 1) {
        unit.execute("insert into effect(id, size) values ($1, $2)", id, size);
    }
    result<processing> process(const std::string& id, std::int64_t size = 1) {
        return on_loop(box_->process_if_new(id, [&](unit_of_work& unit) {
            ++calls_;
            effect(unit, id, size);
        }));
    }
    static marked_unit marked(const std::string& id, std::int64_t size = 1) {
        marked_unit one{
            .mark = {
                .id = id, .group = "billing", .topic = "shop.order.placed", .partition = 3, .offset = 7}};
        effect(one.unit, id, size);
        return one;
    }
    std::vector<result<processing>> write(
        std::initializer_list<std::pair<std::string, std::int64_t>> events) {
        std::vector<marked_unit> batch;
        for (const auto& [id, size] : events)
            batch.push_back(marked(id, size));
        auto outcomes = get(write_batch(*db_, std::move(batch)));
        EXPECT_TRUE(outcomes) << outcomes.error().describe();
        return outcomes ? *std::move(outcomes) : std::vector<result<processing>>{};
    }
    std::vector<std::string> effects() { return read<std::string>("select id from effect order by id"); }
    std::vector<std::string> marks() {
        return read<std::string>("select event_id from processed_events order by event_id");
    }

    std::optional<inbox> box_;
    int calls_ = 0;
};

using texts = std::vector<std::string>;

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
                                                 [](unit_of_work& unit) { effect(unit, "a"); })));
    EXPECT_EQ(effects(), (texts{"a", "a"}));
}

TEST_F(inbox_effects, of_events_that_come_to_many_at_once_happen_once) {
    struct steps {
        static task<void> run(inbox& box, std::string id, int& processed, std::string& failures) {
            for (int attempt = 0; attempt < 20; ++attempt) {
                auto outcome = co_await box.process_if_new(id, [&](unit_of_work& unit) { effect(unit, id); });
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

TEST_F(inbox_effects, batches_of_the_same_events_from_many_writers_have_each_effect_once) {
    struct steps {
        static task<void> run(database& db, bool backwards, std::string& failures) {
            for (int attempt = 0; attempt < 30; ++attempt) {
                std::vector<marked_unit> batch;
                for (int i = 0; i < 50; ++i)
                    batch.push_back(marked(std::to_string(backwards ? 49 - i : i)));
                auto call = write_batch(db, std::move(batch));
                const auto outcomes = co_await call;
                const bool again =
                    !outcomes || std::ranges::any_of(*outcomes, [](const auto& o) { return !o; });
                if (!again) co_return;
            }
            failures += "gave up\n";
        }
    };
    std::string failures;
    task_scope scope;
    for (int i = 0; i < 8; ++i)
        scope.spawn(client_->loop(), steps::run(*db_, i % 2 == 1, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(effects().size(), 50U);
    EXPECT_EQ(marks().size(), 50U);
}

} // namespace
} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
#include "inbox_harness.hpp"

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class sweeping : public inbox_test {
protected:
    sweeping() { EXPECT_EQ(sweep(), 0); }

    std::int64_t sweep() {
        auto removed = get(box_->clean_up());
        EXPECT_TRUE(removed) << (removed ? "" : removed.error().describe());
        return removed.value_or(-1);
    }
    // As if that much time had passed since all that is here was written.
    void let_pass(std::chrono::milliseconds time) {
        if (postgres())
            run("update processed_events_turn set changed_at = changed_at - make_interval(secs => $1)",
                std::chrono::duration<double>(time).count());
        else
            run("update processed_events set processed_at = processed_at - $1", time.count() * 1'000);
    }
    bool waits_for_others() {
        return postgres() && read<bool>("select barrier is not null from processed_events_turn").at(0);
    }
    std::string process(const std::string& id) {
        return fate_of(on_loop(box_->process_if_new(id, [&](unit_of_work& unit) { record(unit, id); })));
    }
};

TEST_F(sweeping, marks_are_kept_for_their_retention_and_go_after_it) {
    EXPECT_EQ(process("a"), "processed");
    let_pass(6 * 24h);
    sweep();
    EXPECT_EQ(process("a"), "already");
    EXPECT_EQ(process("b"), "processed");
    // on PostgreSQL a part is written for a retention and kept for another one, and a turn waits for the
    // transactions of other databases of the server: rounds in which it does are not counted
    int rounds = 0;
    EXPECT_TRUE(until([&] {
        let_pass(7 * 24h + 1s);
        sweep();
        rounds += !waits_for_others();
        return rounds == 200 || marks().empty();
    }));
    EXPECT_EQ(marks(), texts{});
    EXPECT_EQ(process("a"), "processed");
}

TEST_F(sweeping, an_event_is_known_across_each_change_of_parts) {
    for (int round = 0; round < 7; ++round) {
        const std::string id = std::to_string(round);
        EXPECT_EQ(process(id), "processed");
        let_pass(4 * 24h);
        sweep();
        EXPECT_EQ(process(id), "already") << round;
    }
    EXPECT_EQ(effects().size(), 7U);
}

// A writer that still believes in the turn before looks into the part that is to be emptied, and would wait
// for whoever waits to empty it.
TEST_F(sweeping, the_round_in_which_parts_turn_empties_none) {
    if (!postgres()) return;
    const auto turn_to = [&](std::int64_t turn) {
        let_pass(7 * 24h);
        const auto now = [&] { return read<std::int64_t>("select turn from processed_events_turn").at(0); };
        EXPECT_TRUE(until([&] { return sweep() >= 0 && now() == turn; }));
    };
    EXPECT_EQ(process("a"), "processed");
    turn_to(2);
    EXPECT_EQ(process("b"), "processed");
    turn_to(4);
    EXPECT_EQ(marks(), (texts{"a", "b"}));
    sweep();
    EXPECT_EQ(marks(), texts{"b"});
}

TEST_F(sweeping, a_mark_is_known_to_the_very_end_of_its_retention) {
    constexpr auto left = 450ms; // of it; a round that takes longer shows nothing
    for (int round = 0; round < 100; ++round) {
        const std::string id = std::to_string(round);
        let_pass(7 * 24h);
        const auto marked = root_.steady_now();
        EXPECT_EQ(process(id), "processed");
        sweep();
        let_pass(7 * 24h - left);
        sweep();
        const std::string again = process(id);
        if (root_.steady_now() - marked >= left) continue;
        EXPECT_EQ(again, "already");
        return;
    }
    FAIL() << "no round was quick enough";
}

TEST_F(sweeping, the_longest_retention_of_all_groups_decides) {
    inbox other(*db_, {.group = "audit", .retention = 30 * 24h});
    ASSERT_TRUE(get(other.clean_up()));
    EXPECT_EQ(process("a"), "processed");
    for (int round = 0; round < 3; ++round) {
        let_pass(8 * 24h);
        sweep();
        EXPECT_EQ(process("a"), "already");
    }
}

TEST_F(sweeping, two_at_once_do_not_disturb_each_other_nor_writers) {
    inbox second(*db_, {.group = "billing"});
    struct steps {
        static task<void> clean(inbox& box, std::string& failures) {
            for (int round = 0; round < 15; ++round) {
                auto cleaning = box.clean_up();
                auto cleaned = co_await cleaning;
                if (!cleaned && cleaned.error().kind() != error_kind::retriable)
                    failures += cleaned.error().describe();
            }
        }
        static task<void> mark(inbox& box, int writer, int& processed, std::string& failures) {
            for (int i = 0; i < 60; ++i) {
                const std::string id = std::to_string(i);
                auto outcome = co_await box.process_if_new(id, [&](unit_of_work& unit) { record(unit, id); });
                if (!outcome) failures += std::to_string(writer) + ": " + outcome.error().describe() + '\n';
                if (outcome && *outcome == processing::processed) ++processed;
            }
        }
    };
    int processed = 0;
    std::string failures;
    task_scope scope;
    let_pass(8 * 24h); // the parts turn while these events are marked
    scope.spawn(client_->loop(), steps::mark(*box_, 1, processed, failures));
    scope.spawn(client_->loop(), steps::mark(second, 2, processed, failures));
    scope.spawn(client_->loop(), steps::clean(*box_, failures));
    scope.spawn(client_->loop(), steps::clean(second, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(processed, 60);
    EXPECT_EQ(effects().size(), 60U);
}

TEST_F(sweeping, a_retention_below_the_redelivery_window_is_refused_unless_it_is_allowed) {
    EXPECT_THROW(inbox(*db_, {.retention = 24h, .redelivery_window = 7 * 24h}), config_error);
    EXPECT_NO_THROW(
        inbox(*db_, {.retention = 24h, .redelivery_window = 7 * 24h, .allow_short_retention = true}));
    const auto refused = validate(inbox_settings{.retention = 24h, .redelivery_window = 7 * 24h});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::conflicting_settings);
    EXPECT_NE(refused.error().message().find("inbox.redelivery_window"), std::string_view::npos);
}

} // namespace
} // namespace corvid::test

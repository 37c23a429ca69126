// SPDX-License-Identifier: Apache-2.0
// Effects when the way to the server, or the server's end of a session, goes.
#include "inbox_harness.hpp"
#include "postgres_server.hpp"
#include "tcp_relay.hpp"
#include <corvid/inbox/by_offset/offset_writer.hpp>

#include <atomic>
#include <thread>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class inbox_losses : public inbox_test {
protected:
    inbox_losses() : relay_(postgres_url()), through_(root_, settings()) {}

    database_settings settings() const {
        return {.url = relay_.through(here_->url()),
                .pool_size = 3,
                .statement_deadline = 300ms,
                .lock_timeout = 300ms,
                .reconnect = {.first = 10ms, .cap = 50ms},
                .seed = 3};
    }
    result<processing> process(inbox& box, const std::string& id, const std::function<void()>& meanwhile) {
        return on_loop(box.process_if_new(id, [&](unit_of_work& unit) {
            meanwhile();
            record(unit, id);
        }));
    }
    // Spoils what is open, again and again: once something has got through since it last did, and at another
    // moment of a transaction each time.
    void spoil(const std::atomic<bool>& stop, const std::function<void(std::size_t)>& wait_for_more) {
        for (std::size_t round = 0; !stop; ++round) {
            wait_for_more(5 + round * 7 % 60);
            if (round % 3 == 0) relay_.cut();
            if (round % 3 == 1) relay_.swallow_answers();
            if (round % 3 == 2) relay_.swallow_all();
            std::this_thread::sleep_for(5ms);
            relay_.pass_on();
        }
    }

    tcp_relay relay_;
    database through_;
};

TEST_F(inbox_losses, a_commit_whose_answer_is_lost_is_found_by_its_mark) {
    inbox box(through_, {.group = "billing"});
    EXPECT_EQ(fate_of(process(box, "before", [] {})),
              "processed"); // from now on COMMIT goes out with the effects
    std::thread later;
    const auto swallow_for_a_while = [&] {
        relay_.swallow_answers();
        later = std::thread([&] {
            std::this_thread::sleep_for(300ms);
            relay_.pass_on();
        });
    };
    EXPECT_EQ(fate_of(process(box, "a", swallow_for_a_while)), "processed");
    later.join();
    EXPECT_EQ(fate_of(process(box, "a", [] {})), "already");
    EXPECT_EQ(effects(), (texts{"a", "before"}));
}

TEST_F(inbox_losses, a_commit_that_never_arrives_is_written_again) {
    inbox box(through_, {.group = "billing", .attempts = 20, .pause = 10ms});
    EXPECT_EQ(fate_of(process(box, "a",
                              [&] {
                                  relay_.cut();
                                  relay_.pass_on();
                              })),
              "processed");
    EXPECT_EQ(effects(), texts{"a"});
}

TEST_F(inbox_losses, of_sessions_cost_recorded_effects_nothing_and_double_none) {
    settled_events told;
    effect_writer writer(
        through_, "billing", told.sink(),
        {.max_records = 40, .linger = 1ms, .retry = {.first = 5ms, .limit = 50, .cap = 20ms}});
    std::atomic<bool> stop = false;
    constexpr std::size_t count = 1'500;
    std::thread spoiler([&] { spoil(stop, [&](std::size_t more) { told.wait_for_more(more, count); }); });
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<effect> one;
        one.push_back(recorded(std::to_string(i), 1, i % 50, i));
        writer.add(std::move(one));
    }
    const auto all = told.wait(count);
    stop = true;
    spoiler.join();
    relay_.pass_on();
    EXPECT_EQ(all.size(), count);
    for (const settled& each : all)
        EXPECT_TRUE(each.outcome) << each.outcome.error().describe();
    EXPECT_EQ(effects().size(), count);
    EXPECT_EQ(read<std::int64_t>("select count(distinct id) from effect").at(0),
              static_cast<std::int64_t>(count));
}

TEST_F(inbox_losses, of_sessions_cost_a_partition_nothing_and_double_nothing) {
    std::mutex mutex;
    std::condition_variable arrived;
    std::int64_t next = 0;
    std::string lost;
    offset_writer writer(
        through_, "billing",
        [&](const offset_writer::news& news) {
            const std::lock_guard lock(mutex);
            if (news.next) next = *news.next;
            if (news.lost) lost = news.lost->describe();
            arrived.notify_all();
        },
        {.max_records = 40, .linger = 1ms, .retry = {.first = 5ms, .limit = 50, .cap = 20ms}});
    std::atomic<bool> stop = false;
    constexpr std::int64_t count = 1'500;
    const auto wait_for_more = [&](std::size_t more) {
        std::unique_lock lock(mutex);
        const std::int64_t enough = std::min(next + static_cast<std::int64_t>(more), count);
        arrived.wait_for(lock, 60s, [&] { return next >= enough || !lost.empty(); });
    };
    std::thread spoiler([&] { spoil(stop, wait_for_more); });
    writer.assign(1, "shop.order.placed", 0, 0, false);
    for (std::int64_t i = 0; i < count; ++i) {
        std::vector<offset_effect> one(1);
        one[0].offset = i;
        record(one[0].unit, std::to_string(i));
        writer.add(1, std::move(one));
        writer.complete(1, i + 1);
    }
    wait_for_more(count);
    stop = true;
    spoiler.join();
    relay_.pass_on();
    // A COMMIT that arrives late may move the row under the writer, who goes on behind it.
    const auto row = get(read_position(*db_, {"billing", "shop.order.placed", 0}));
    ASSERT_TRUE(row && *row);
    EXPECT_EQ(lost, "");
    EXPECT_EQ(**row, count);
    EXPECT_EQ(read<std::int64_t>("select count(*) from effect").at(0), **row);
    EXPECT_EQ(read<std::int64_t>("select count(distinct id) from effect").at(0), **row);
}

// The turn that a new process believes in is another than the database's; those that ask at once are told one
// after the other.
TEST_F(inbox_losses, of_the_turn_count_for_every_transaction_that_was_begun_without_it) {
    struct steps {
        static task<void> run(inbox& box, std::string id, int& processed, std::string& failures) {
            auto outcome = co_await box.process_if_new(id, [&](unit_of_work& unit) { record(unit, id); });
            if (!outcome)
                failures += outcome.error().describe() + '\n';
            else
                processed += *outcome == processing::processed;
        }
    };
    constexpr int events = 12;
    run("update processed_events_turn set turn = 2");
    run("insert into processed_events_1(event_id, consumer_group) select i::text, 'billing' from "
        "generate_series(0, " +
        std::to_string(events - 1) + ") i");
    inbox restarted(*db_, {.group = "billing"});
    int processed = 0;
    std::string failures;
    task_scope scope;
    for (int i = 0; i < events; ++i)
        scope.spawn(client_->loop(), steps::run(restarted, std::to_string(i), processed, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, "");
    EXPECT_EQ(processed, 0) << "events that had their effect had it again";
    EXPECT_EQ(effects(), texts{});
}

} // namespace
} // namespace corvid::test

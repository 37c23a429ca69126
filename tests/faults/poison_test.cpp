// SPDX-License-Identifier: Apache-2.0
//
// R28: records that cannot be handled, among a hundred times as many that can.
#include "rig.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <set>

namespace corvid::faults {
namespace {

/// One in a hundred, of each kind in turn.
std::string one_in_a_hundred(std::uint64_t id) {
    static constexpr std::array<const char*, 3> kinds = {"reject", "throw", "corrupt"};
    return id % 100 == 7 ? kinds[id / 100 % kinds.size()] : "";
}

int attempts_at(const std::string& kind) { return kind == "throw" ? 3 : 1; }

/// Each poison is there once, with where it came from and how often it was tried; nothing else is.
std::string what_is_wrong_with(const std::vector<stored>& letters, const std::vector<fate>& sent,
                               const std::function<std::string(std::uint64_t)>& poison) {
    std::map<std::uint64_t, const stored*> by_id;
    for (const stored& one : letters)
        if (!by_id.emplace(one.id(), &one).second) return std::to_string(one.id()) + " is there twice";
    std::size_t due = 0;
    for (const fate& told : sent) {
        const std::string kind = poison(told.id);
        if (kind.empty()) continue;
        ++due;
        const auto found = by_id.find(told.id);
        if (found == by_id.end()) return std::to_string(told.id) + " is not there: " + kind;
        const std::map<std::string, std::string> should = {
            {"__dlq.errors.topic", "test.fault.load"},
            {"__dlq.errors.partition", std::to_string(told.partition)},
            {"__dlq.errors.offset", std::to_string(told.offset)},
            {"__dlq.errors.group", "faults"},
            {"__dlq.errors.delivery.count", std::to_string(attempts_at(kind))}};
        for (const auto& [name, value] : should)
            if (const auto is = found->second->headers.find(name);
                is == found->second->headers.end() || is->second != value)
                return std::to_string(told.id).append(" has another ").append(name).append(" than ") + value;
    }
    return letters.size() == due ? "" : std::to_string(letters.size() - due) + " healthy ones are there";
}

struct poisoned_run {
    findings found;
    std::string wrong;
    std::map<std::uint64_t, std::uint64_t> tries;
    bool in_time;
};

poisoned_run run_with_poison(const std::string& test, std::uint64_t records, const std::string& bug = {}) {
    // all of a short run may be done before a second worker has come
    const std::size_t workers = bug.empty() ? 4 : 1;
    rig stand(test, {.workers = workers, .dead_letters = true, .work = {"work_ms=2"}});
    auto load = stand.start_sender(
        {.records_per_second = sized(4'000, 2'000), .most = records, .poison = one_in_a_hundred});
    stand.start_workers(bug.empty() ? std::vector<std::string>{} : std::vector{"bug=" + bug});
    EXPECT_TRUE(load->all_sent(600s));
    EXPECT_TRUE(load->finish(60s)) << "not every send was answered";
    const bool in_time = stand.caught_up(60s);
    stand.stop_workers();
    const auto letters = stand.dead_letters();
    stand.figure("dead_letters", static_cast<double>(letters.size()));
    auto found = stand.conclude({load.get()}, {.duplicates = 5'000}, bug.empty());
    return {std::move(found), what_is_wrong_with(letters, load->fates(), one_in_a_hundred),
            stand.log().tries(), in_time};
}

TEST(poison_test, each_poison_is_a_dead_letter_once_and_no_healthy_record_is_lost) {
    const auto run = run_with_poison("R28", sized<std::uint64_t>(500'000, 30'000));
    EXPECT_TRUE(run.in_time) << "the group did not come to the end";
    EXPECT_EQ(run.wrong, "");
    EXPECT_TRUE(run.found.green({.duplicates = 5'000})) << run.found.text();
    for (const auto& [id, times] : run.tries)
        EXPECT_LE(times, 3u * 4u) << "record " << id << " goes round and round";
}

TEST(poison_test, a_worker_that_passes_poison_over_turns_the_count_of_dead_letters_red) {
    EXPECT_NE(run_with_poison("R28, bug skips_poison", 4'000, "skips_poison").wrong, "");
}

TEST(poison_test, where_the_dead_letter_topic_is_missing_the_keys_wait_quietly_and_all_others_go_on) {
    rig stand("R28, no dead letter topic", {.workers = 2});
    constexpr int rate = 500;
    const auto first_ten = [](std::uint64_t id) { return id < 10 ? "reject" : ""; };
    auto load = stand.start_sender({.records_per_second = rate, .poison = first_ten});
    stand.start_workers();
    const double before = stand.cpu_of_workers_s();
    const auto outage = sized<std::chrono::milliseconds>(60s, 8s);
    const std::uint64_t handled = stand.handled_so_far();
    stand.fault();
    stand.let_pass(outage);
    const double seconds = std::chrono::duration<double>(outage).count();
    EXPECT_LT(stand.cpu_of_workers_s() - before, 0.5 * seconds) << "they spin";
    EXPECT_GT(static_cast<double>(stand.handled_so_far() - handled), 0.9 * rate * seconds);
    stand.make_topic(rig::dead_letter_topic());
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(90s));
    stand.stop_workers();
    const auto letters = stand.dead_letters();
    const auto found = stand.conclude({load.get()}, {.duplicates = 100'000});
    EXPECT_TRUE(found.green({.duplicates = 100'000})) << found.text();
    EXPECT_EQ(what_is_wrong_with(letters, load->fates(), first_ten), "");
}

TEST(poison_test, a_handler_that_hangs_holds_its_key_alone_and_its_record_comes_again) {
    rig stand("R28, hang", {.workers = 2, .work = {"drain_ms=2000", "grace_ms=500"}});
    constexpr std::uint64_t rate = 1'000;
    auto load = stand.start_sender({.records_per_second = static_cast<int>(rate),
                                    .poison = [](std::uint64_t id) { return id == 3'000 ? "hang" : ""; }});
    stand.start_workers();
    EXPECT_TRUE(stand.eventually([&] { return !stand.log().tries().empty(); }, 30s)) << "nothing hangs";
    stand.fault();
    EXPECT_TRUE(
        stand.handles(sized<std::uint64_t>(60, 5) * rate * 9 / 10, sized<std::chrono::milliseconds>(60s, 6s)))
        << "it holds others up";
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    std::set<std::optional<int>> ends;
    for (std::size_t i = 0; i < 2; ++i) {
        stand.worker(i).send_signal(SIGTERM);
        ends.insert(stand.worker(i).wait(40s));
    }
    EXPECT_TRUE(ends.contains(3)) << "the exit code says that a handler did not end";
    for (std::size_t i = 0; i < 2; ++i)
        stand.replace(i, {"cured=1"});
    EXPECT_TRUE(stand.caught_up(60s));
    stand.stop_workers();
    const auto found = stand.conclude({load.get()}, {.duplicates = 100'000});
    EXPECT_TRUE(found.green({.duplicates = 100'000})) << found.text();
}

} // namespace
} // namespace corvid::faults

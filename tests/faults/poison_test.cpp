// SPDX-License-Identifier: Apache-2.0
//
// R28: records that cannot be handled, among a hundred times as many that can; that hang; that kill.
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

bool was_tried_as_often_as(const std::string& kind, int attempts) {
    if (kind == "segv") return attempts >= 3; // deaths
    return attempts == (kind == "throw" ? 3 : 1);
}

/// Each poison is there once, with where it came from and how often it was tried; nothing else is.
std::string what_is_wrong_with(const rig& stand, const std::vector<stored>& letters,
                               const std::vector<fate>& sent,
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
            {"__dlq.errors.topic", stand.topic()},
            {"__dlq.errors.partition", std::to_string(told.partition)},
            {"__dlq.errors.offset", std::to_string(told.offset)},
            {"__dlq.errors.group", stand.group()}};
        for (const auto& [name, value] : should)
            if (const auto is = found->second->headers.find(name);
                is == found->second->headers.end() || is->second != value)
                return std::to_string(told.id).append(" has another ").append(name).append(" than ") + value;
        const std::string& attempts = found->second->headers.at("__dlq.errors.delivery.count");
        if (!was_tried_as_often_as(kind, std::stoi(attempts)))
            return std::to_string(told.id).append(", ").append(kind).append(", had attempts: ") + attempts;
    }
    return letters.size() == due ? "" : std::to_string(letters.size() - due) + " healthy ones are there";
}

/// Attempts at a record, those of other lives included: three in each of four.
constexpr std::uint64_t most_tries = 12;

struct poisoned_run {
    findings found;
    std::string wrong;
    std::uint64_t tries; ///< of the record that had most
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
    std::string wrong = what_is_wrong_with(stand, letters, load->fates(), one_in_a_hundred);
    std::uint64_t tries = 0;
    for (const auto& [id, times] : stand.log().tries())
        tries = std::max(tries, times);
    stand.figure("most_tries", static_cast<double>(tries));
    if (!wrong.empty() || tries > most_tries || !in_time) stand.turn_red();
    auto found = stand.conclude({load.get()}, {.duplicates = 5'000}, bug.empty());
    return {std::move(found), std::move(wrong), tries, in_time};
}

TEST(poison_test, each_poison_is_a_dead_letter_once_and_no_healthy_record_is_lost) {
    const auto run = run_with_poison("R28", sized<std::uint64_t>(500'000, 30'000));
    EXPECT_TRUE(run.in_time) << "the group did not come to the end";
    EXPECT_EQ(run.wrong, "");
    EXPECT_TRUE(run.found.green({.duplicates = 5'000})) << run.found.text();
    EXPECT_LE(run.tries, most_tries) << "a record goes round and round";
}

TEST(poison_test, a_worker_whose_records_go_round_and_round_turns_the_count_of_tries_red) {
    EXPECT_GT(run_with_poison("R28, bug goes_round", 4'000, "goes_round").tries, most_tries);
}

TEST(poison_test, a_worker_that_passes_poison_over_turns_the_count_of_dead_letters_red) {
    EXPECT_NE(run_with_poison("R28, bug skips_poison", 4'000, "skips_poison").wrong, "");
}

TEST(poison_test, where_the_dead_letter_topic_is_missing_the_keys_wait_quietly_and_all_others_go_on) {
    rig stand("R28, no dead letter topic", {.workers = 2});
    constexpr int rate = 500;
    const auto first_ten = [](std::uint64_t id) { return id < 10 ? "reject" : ""; };
    auto load = stand.start_sender({.records_per_second = rate, .poison = first_ten, .keeps_pace = true});
    stand.start_workers();
    const double before = stand.cpu_of_workers_s();
    const auto outage = sized<std::chrono::milliseconds>(60s, 8s);
    const std::uint64_t handled = stand.handled_so_far();
    stand.fault();
    stand.let_pass(outage);
    const double seconds = std::chrono::duration<double>(outage).count();
    EXPECT_LT(stand.cpu_of_workers_s() - before, 0.5 * seconds) << "they spin";
    EXPECT_GT(static_cast<double>(stand.handled_so_far() - handled), 0.9 * rate * seconds);
    stand.make_topic(stand.dead_letter_topic());
    EXPECT_TRUE(load->finish(30s)) << "not every send was answered";
    EXPECT_TRUE(stand.caught_up(90s));
    stand.stop_workers();
    const auto letters = stand.dead_letters();
    EXPECT_EQ(what_is_wrong_with(stand, letters, load->fates(), first_ten), "");
    const auto found = stand.conclude({load.get()}, {.duplicates = 5'000});
    EXPECT_TRUE(found.green({.duplicates = 5'000})) << found.text();
}

struct hang {
    bool held_others_up; ///< not every partition went on
    findings found;
};

/// What stands behind the record that hangs, in its partition, comes again; and as much as elsewhere.
const allowance after_a_hang{.duplicates = sized<std::uint64_t>(20'000, 10'000)};

hang run_with_a_hang(const std::string& test, const std::vector<std::string>& told = {}) {
    const bool expected_green = told.empty();
    rig stand(test, {.workers = expected_green ? 2U : 1U, .work = {"drain_ms=2000", "grace_ms=500"}});
    constexpr std::uint64_t rate = 1'000;
    auto load = stand.start_sender({.records_per_second = static_cast<int>(rate),
                                    .poison = [](std::uint64_t id) { return id == 3'000 ? "hang" : ""; },
                                    .keeps_pace = true});
    stand.start_workers(told);
    EXPECT_TRUE(stand.eventually([&] { return !stand.log().tries().empty(); }, 30s)) << "nothing hangs";
    stand.fault();
    const bool moves = stand.moves_everywhere(5s);
    if (!moves) stand.turn_red();
    if (!expected_green) return {!moves, stand.conclude({load.get()}, {}, false)};
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
    return {!moves, stand.conclude({load.get()}, after_a_hang)};
}

TEST(poison_test, a_handler_that_hangs_holds_its_key_alone_and_its_record_comes_again) {
    const auto run = run_with_a_hang("R28, hang");
    EXPECT_FALSE(run.held_others_up);
    EXPECT_TRUE(run.found.green(after_a_hang)) << run.found.text();
}

TEST(poison_test, a_worker_whose_hanging_record_holds_its_partition_turns_the_checker_red) {
    EXPECT_TRUE(run_with_a_hang("R28, hang, bug holds_partition", {"bug=holds_partition"}).held_others_up);
}

struct deadly_run {
    findings found;
    std::string wrong;
    std::size_t deaths;
    bool in_time;
};

/// Records that kill their process, among others; who dies is started again, so many times at most.
deadly_run run_with_killers(const std::string& test, std::uint64_t records, std::uint64_t one_in,
                            std::size_t most_deaths, const std::string& bug = {}) {
    constexpr std::uint64_t first = 1'000'000'000;
    const auto killer = [one_in](std::uint64_t id) { return (id - first) % one_in == 700 ? "segv" : ""; };
    const std::vector<std::string> told =
        bug.empty() ? std::vector<std::string>{} : std::vector{"bug=" + bug};
    const std::size_t workers = bug.empty() ? sized<std::size_t>(4, 2) : 1;
    rig stand(test, {.workers = workers,
                     .session = sized<std::chrono::milliseconds>(3s, 1'500ms),
                     .dead_letters = true,
                     .work = {"work_ms=2"}});
    auto calm = stand.start_sender({.records_per_second = 1'000});
    stand.start_workers(told);
    EXPECT_TRUE(calm->finish(30s)) << "not every send was answered";
    auto load = stand.start_sender({.first_id = first,
                                    .records_per_second = 1'000,
                                    .first_key = 1'000,
                                    .most = records,
                                    .poison = killer});
    std::size_t deaths = 0;
    const auto is_over = [&] {
        for (std::size_t i = 0; i < workers; ++i) {
            const auto code = stand.worker(i).wait(0ms);
            if (!code) continue;
            EXPECT_EQ(*code, 128 + SIGSEGV);
            ++deaths;
            stand.fault();
            stand.replace(i, told);
        }
        return deaths > most_deaths || (load->all_sent(0ms) && stand.caught_up(0ms));
    };
    const bool in_time = stand.eventually(is_over, 1'500s) && deaths <= most_deaths;
    EXPECT_TRUE(load->finish(60s)) << "not every send was answered";
    if (in_time) stand.stop_workers();
    const auto letters = stand.dead_letters();
    std::string wrong = what_is_wrong_with(stand, letters, load->fates(), killer);
    for (const stored& one : letters) {
        const auto place = [&](const char* name) { return one.headers.at(name); };
        const std::string suspect = ";suspect=" + place("__dlq.errors.offset");
        if (!stand.saw_note(std::stoi(place("__dlq.errors.partition")), suspect))
            wrong += " no commit said " + suspect;
        if (place("corvid-error-type") != "process_died") wrong += " it did not kill";
    }
    if (!wrong.empty() || !in_time) stand.turn_red();
    stand.figure("deaths", static_cast<double>(deaths));
    stand.figure("dead_letters", static_cast<double>(letters.size()));
    auto found = stand.conclude({calm.get(), load.get()}, {.duplicates = deaths * 2'000}, bug.empty());
    return {std::move(found), std::move(wrong), deaths, in_time};
}

TEST(poison_test, records_that_kill_the_process_are_dead_letters_after_some_deaths_and_no_other_is) {
    const auto records = sized<std::uint64_t>(100'000, 4'000);
    const std::uint64_t one_in = sized<std::uint64_t>(5'000, 2'000);
    const std::size_t most_deaths = 12 * records / one_in; // a clean revoke meanwhile begins the count anew
    const auto run = run_with_killers("R28, segv", records, one_in, most_deaths);
    EXPECT_TRUE(run.in_time) << "after " << run.deaths << " deaths not all is handled";
    EXPECT_EQ(run.wrong, "");
    EXPECT_TRUE(run.found.green({.duplicates = run.deaths * 2'000})) << run.found.text();
}

TEST(poison_test, a_worker_that_suspects_no_record_turns_the_count_of_deaths_red) {
    const auto run = run_with_killers("R28, segv, bug suspects_nobody", 2'000, 2'000, 6, "suspects_nobody");
    EXPECT_FALSE(run.in_time);
    EXPECT_NE(run.wrong, "");
    EXPECT_GT(run.found.lost, 0u) << run.found.text();
}

} // namespace
} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// R23: the parts of processed_events are dropped under load, while somebody has read the table in a
// transaction that stays open.
#include "../form.hpp"
#include "mark_load.hpp"
#include <corvid/inbox/inbox.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gmock/gmock.h>

#include <iostream>
#include <map>

namespace corvid::faults {
namespace {

using namespace std::chrono_literals;

constexpr double lock_timeout_s = 0.5; // of the sweep
constexpr double machine_late_s = 1;

struct retention_plan {
    double before_s, reader_s, after_s;
    std::chrono::seconds retention, every; ///< and how soon it comes again
    double window_s = 1, quick_s = 0.25;
    std::string bug = {};

    [[nodiscard]] double seconds() const { return before_s + reader_s + after_s; }
};

double minutes_or(const char* variable, double otherwise) {
    const char* given = std::getenv(variable);
    return 60 * (given ? std::strtod(given, nullptr) : otherwise);
}

// CORVID_R23_MINUTES=60 CORVID_R23_READER_MINUTES=20 is the full form, by hand.
retention_plan steady_plan() {
    if (!is_long_form()) return {4, 4, 7, 2s, 1s};
    const double all = minutes_or("CORVID_R23_MINUTES", 10),
                 reader = minutes_or("CORVID_R23_READER_MINUTES", 4);
    return {(all - reader) / 2, reader, (all - reader) / 2, 30s, 5s, 10, 0.02};
}

using raw_rows = std::vector<std::vector<std::string>>;

class retention : public testing::Test {
protected:
    retention() { std::cout << "R23: seed " << seed_ << std::endl; }

    retention_findings run(const retention_plan& plan);
    [[nodiscard]] double figure(const std::string& name) const { return figures_.at(name); }

private:
    void make_tables();
    void disturb(const retention_plan& plan, run_clock& clock);
    [[nodiscard]] std::jthread start_careless(const retention_plan& plan) const;
    void look_at_marks();
    void print(const retention_plan& plan, const retention_findings& found) const;
    [[nodiscard]] raw_rows ask(const std::string& sql) const {
        return rows_of(connect_raw(server_.url()).get(), sql);
    }

    const std::uint64_t seed_ = chosen_seed();
    const postgres_process server_;
    threaded_scheduler root_;
    metrics counts_{"R23"};
    database db_{root_, {.url = server_.url() + "?application_name=writer"}, &counts_};
    retention_history history_;
    std::map<std::string, double> figures_;
};

void retention::make_tables() {
    struct steps {
        static task<result<int>> make(inbox& box) {
            auto making = box.migrate();
            co_return co_await making;
        }
    };
    inbox box(db_, {.group = mark_load::group});
    if (auto made = wait_for(root_, db_.loop(), steps::make(box)); !made)
        throw std::runtime_error(made.error().describe());
    (void)ask("create table effect(id bigint not null)");
}

// A clean-up as one would be that empties the part that writers look into and waits for its lock for as long
// as it takes; or one that deletes.
std::jthread retention::start_careless(const retention_plan& plan) const {
    const std::string sql =
        plan.bug == "waits_for_its_lock"
            ? "truncate processed_events_2"
            : "delete from processed_events where processed_at < now() - make_interval(secs => " +
                  std::to_string(plan.retention.count()) + ")";
    return std::jthread([this, sql] { (void)ask(sql); });
}

void retention::disturb(const retention_plan& plan, run_clock& clock) {
    const raw_connection reader = connect_raw(server_.url());
    clock.wait_until(plan.before_s);
    (void)rows_of(reader.get(), "begin isolation level repeatable read");
    (void)rows_of(reader.get(), "select count(*) from processed_events");
    history_.reader_from = clock.now();
    const std::jthread careless = plan.bug.empty() ? std::jthread() : start_careless(plan);
    clock.wait_until(plan.before_s + plan.reader_s);
    history_.reader_to = clock.now();
    (void)rows_of(reader.get(), "commit");
    clock.wait_until(plan.seconds());
}

void retention::look_at_marks() {
    const auto row = ask("select extract(epoch from clock_timestamp() - min(processed_at)), count(*), "
                         "pg_total_relation_size('processed_events_0') + "
                         "pg_total_relation_size('processed_events_1') + "
                         "pg_total_relation_size('processed_events_2') from processed_events")
                         .front();
    history_.oldest_mark_s = std::stod(row[0]);
    figures_["marks_left"] = std::stod(row[1]);
    figures_["marks_left_mb"] = std::stod(row[2]) / 1e6;
}

retention_findings retention::run(const retention_plan& plan) {
    make_tables();
    const double retention_s = std::chrono::duration<double>(plan.retention).count(),
                 every_s = std::chrono::duration<double>(plan.every).count();
    inbox_sweep sweep(
        db_,
        {.group = mark_load::group, .retention = plan.retention, .every = plan.every, .soon = plan.every},
        &counts_);
    if (plan.bug.empty()) sweep.start();
    run_clock clock(root_);
    mark_watch watch(clock, server_.url(), "writer");
    mark_load load(clock, db_, {.seconds = plan.seconds(), .repeat_within_s = 0.95 * retention_s}, seed_);
    disturb(plan, clock);
    look_at_marks();
    history_.events = load.finish(30);
    watch.tell(history_);
    sweep.close();
    for (const auto& row : ask("select id from effect"))
        history_.effects.push_back(static_cast<std::uint32_t>(std::stoul(row[0])));
    const auto count = [&](const counter& of) { return static_cast<double>(of.value()); };
    figures_["rounds_failed"] = count(counts_.counter_of(metric::inbox_sweeps, {"database", "failed"}));
    figures_["marks_dropped"] = count(counts_.counter_of(metric::inbox_swept, {"database"}));
    auto found = judge(history_, {.window_s = plan.window_s,
                                  .retention_s = retention_s,
                                  .kept_s = 2 * retention_s + 3 * every_s + lock_timeout_s + machine_late_s,
                                  .stall_s = lock_timeout_s + machine_late_s,
                                  .quick_s = plan.quick_s,
                                  .dead_rows_a_turn = 2 * mark_load::transactions * mark_load::max_records});
    print(plan, found);
    return found;
}

void retention::print(const retention_plan& plan, const retention_findings& found) const {
    const auto ms = [](double s) { return 1e3 * s; };
    std::cout << R"({"test":"R23)" << (plan.bug.empty() ? "" : ", bug " + plan.bug) << R"(","postgres":)"
              << PQserverVersion(connect_raw(server_.url()).get()) << R"(,"seed":)" << seed_
              << R"(,"seconds":)" << plan.seconds() << R"(,"reader_s":)"
              << history_.reader_to - history_.reader_from << R"(,"events":)" << history_.events.size()
              << R"(,"effects":)" << history_.effects.size() << R"(,"repeats":)" << found.repeats
              << R"(,"across":)" << found.across << R"(,"late":)" << found.late << R"(,"lost":)" << found.lost
              << R"(,"twice":)" << found.twice << R"(,"turns":)" << history_.turned.size()
              << R"(,"longest_ms":)" << ms(found.events.longest_s) << R"(,"writer_wait_ms":)"
              << ms(history_.writer_wait_s) << R"(,"reader_wait_ms":)" << ms(history_.reader_wait_s)
              << R"(,"p99_before_ms":)" << ms(found.events.before_s) << R"(,"p99_beside_ms":)"
              << ms(found.events.beside_s) << R"(,"p99_after_ms":)" << ms(found.events.after_s)
              << R"(,"others_longest_ms":)" << ms(found.others.longest_s) << R"(,"others_p99_ms":[)"
              << ms(found.others.before_s) << "," << ms(found.others.beside_s) << ","
              << ms(found.others.after_s) << "]" << R"(,"dead_rows":)" << history_.dead_rows
              << R"(,"oldest_mark_s":)" << history_.oldest_mark_s;
    for (const auto& [name, value] : figures_)
        std::cout << ",\"" << name << "\":" << value;
    std::cout << R"(,"p99_ms":[)";
    for (std::size_t n = 0; n < found.events.p99_s.size(); ++n)
        std::cout << (n == 0 ? "" : ",") << ms(found.events.p99_s[n]);
    std::cout << R"(],"wrong":")" << found.text() << R"(","verdict":")" << (found.green() ? "green" : "red")
              << R"(","expected":")" << (plan.bug.empty() ? "green" : "red") << "\"}" << std::endl;
}

TEST_F(retention, parts_are_dropped_without_a_writer_waiting_for_it_and_events_stay_single) {
    const auto found = run(steady_plan());
    EXPECT_TRUE(found.green()) << found.text();
    EXPECT_GT(found.across, 0u) << "no event came again across a change of parts: this run shows too little";
    EXPECT_GT(figure("rounds_failed"), 0) << "the reader was in nobody's way: this run shows nothing";
    EXPECT_GT(figure("marks_dropped"), 0);
}

TEST_F(retention, a_clean_up_that_waits_for_its_lock_turns_the_checker_red) {
    const auto found = run({1, 3, 1, 2s, 1s, 1, 0.25, "waits_for_its_lock"});
    EXPECT_THAT(found.wrong, testing::Contains("stall"));
}

TEST_F(retention, a_clean_up_that_deletes_turns_the_checker_red) {
    const auto found = run({2, 1, 1, 1s, 1s, 1, 0.25, "deletes"});
    EXPECT_THAT(found.wrong, testing::Contains("dead"));
}

} // namespace
} // namespace corvid::faults

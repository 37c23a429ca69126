// SPDX-License-Identifier: Apache-2.0
// A session that goes at each step of writing, before what was sent has arrived or after it was done.
#include "inbox_harness.hpp"
#include <corvid/inbox/effect_queue.hpp>
#include <corvid/store/write.hpp>

#include <set>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;
using inbox_detail::effect_queue;
using inbox_detail::mark_table;
using inbox_detail::write_report;

// Ends at flight number `at`, counted over all sessions.
class mortal_session final : public store::session {
public:
    mortal_session(store::session& real, int& flights, int at, bool after) noexcept
        : real_(real), flights_(flights), at_(at), after_(after) {}

    task<result<void>> open() override { co_return result<void>{}; }
    task<result<void>> script(std::string) override { co_return result<void>{}; }
    task<store::flight_answer> run(std::span<const store::statement> flight) override {
        if (dead_) co_return store::flight_answer{.failed = error(errc::database_unreachable), .lost = true};
        if (++flights_ != at_) co_return co_await real_.run(flight);
        if (after_) (void)co_await real_.run(flight);
        if (real_.in_transaction()) {
            const store::statement rollback{.sql = std::string(store::rollback_sql)};
            (void)co_await real_.run({&rollback, 1});
        }
        dead_ = true;
        co_return store::flight_answer{
            .failed = error(errc::database_unreachable), .lost = true, .unsure = after_};
    }
    [[nodiscard]] bool alive() const noexcept override { return !dead_; }
    [[nodiscard]] bool in_transaction() const noexcept override { return !dead_ && real_.in_transaction(); }
    [[nodiscard]] const store::dialect& dialect() const noexcept override { return real_.dialect(); }

private:
    store::session& real_;
    int& flights_;
    int at_;
    bool after_;
    bool dead_ = false;
};

struct death {
    int at;
    bool after;
};

class mortal_writing : public inbox_test, public testing::WithParamInterface<death> {
protected:
    struct steps {
        static task<result<write_report>> attempt(store::session& on, mark_table& table,
                                                  std::span<effect> batch, int& flights, death when) {
            mortal_session mortal(on, flights, when.at, when.after);
            co_return co_await inbox_detail::write_effects(mortal, table, batch);
        }
        static task<int> all(database& db, effect_queue& queue, std::vector<settled>& told, death when) {
            mark_table table(db.dialect(), db.loop());
            int flights = 0;
            steady_time now{1h};
            for (int round = 0; round < 50 && queue.size() > 0; ++round, now += 1min) {
                auto batch = queue.take(now);
                auto writing = db.with_session<write_report>(
                    [&](store::session& on) { return attempt(on, table, batch, flights, when); });
                auto report = co_await writing;
                EXPECT_TRUE(report);
                queue.written(std::move(batch), *std::move(report), now, 0.5);
                for (settled& each : queue.take_settled())
                    told.push_back(std::move(each));
            }
            co_return flights;
        }
    };
};

TEST_P(mortal_writing, gives_each_good_event_its_effect_once) {
    effect_queue queue({.max_records = 100});
    const std::set<std::string> bad{"3", "8"};
    for (std::uint64_t i = 0; i < 12; ++i) {
        const std::string id = std::to_string(i % 10); // two come twice
        effect one = recorded(id, bad.contains(id) ? 100 : 1, i, i);
        one.mark.group = "billing";
        queue.add(std::move(one), steady_time{1h});
    }
    queue.flush();
    std::vector<settled> told;
    const int flights = on_loop(steps::all(*db_, queue, told, GetParam()));
    EXPECT_GE(flights, GetParam().at > 14 ? 0 : GetParam().at) << "the step was never reached";
    ASSERT_EQ(told.size(), 12U);
    for (const settled& each : told)
        EXPECT_EQ(each.outcome.has_value(), !bad.contains(std::to_string(each.tag % 10))) << each.tag;
    EXPECT_EQ(effects(), (texts{"0", "1", "2", "4", "5", "6", "7", "9"}));
    EXPECT_EQ(marks(), effects());
}

std::vector<death> deaths() {
    std::vector<death> all;
    for (int at = 1; at <= 16; ++at)
        for (const bool after : {false, true})
            all.push_back({at, after});
    return all;
}

INSTANTIATE_TEST_SUITE_P(at_each_flight, mortal_writing, testing::ValuesIn(deaths()), [](const auto& p) {
    return std::string(p.param.after ? "after_" : "before_") + std::to_string(p.param.at);
});

} // namespace
} // namespace corvid::test

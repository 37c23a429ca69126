// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>
#include <corvid/middleware/circuit.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using state = circuit::state;
using result_of = circuit::result;

bool is_admitted(const circuit::asked& a) { return std::holds_alternative<circuit::admitted>(a.what); }
std::uint64_t period_of(const circuit::asked& a) { return std::get<circuit::admitted>(a.what).period; }

/// One attempt from begin to end at `now`.
std::optional<circuit::change> attempt(circuit& c, result_of how, steady_time now) {
    const auto asked = c.ask(now);
    EXPECT_TRUE(is_admitted(asked));
    return c.ended(period_of(asked), how, now);
}

steady_time at(duration since) { return steady_time(since); }

TEST(circuit, opens_at_so_many_failures_in_a_row_and_at_no_fewer) {
    circuit c({.failures = 3, .open_for = 10s});
    for (const auto how : {result_of::failure, result_of::failure, result_of::success, result_of::failure,
                           result_of::unknown, result_of::failure})
        EXPECT_FALSE(attempt(c, how, at(1s)));
    EXPECT_EQ(attempt(c, result_of::failure, at(2s)), (circuit::change{state::closed, state::open}));
    EXPECT_EQ(c.open_until(), at(12s));
}

TEST(circuit, admits_nothing_while_it_is_open_and_one_probe_behind_that) {
    circuit c({.failures = 1, .open_for = 10s});
    attempt(c, result_of::failure, at(0s));
    const auto early = c.ask(at(10s) - 1ns);
    ASSERT_FALSE(is_admitted(early));
    EXPECT_EQ(std::get<circuit::refused>(early.what).until, at(10s));
    const auto probe = c.ask(at(10s));
    ASSERT_TRUE(is_admitted(probe));
    EXPECT_EQ(probe.changed, (circuit::change{state::open, state::half_open}));
    EXPECT_FALSE(is_admitted(c.ask(at(10s))));
    EXPECT_EQ(c.ended(period_of(probe), result_of::success, at(11s)),
              (circuit::change{state::half_open, state::closed}));
}

TEST(circuit, a_bad_probe_opens_it_for_as_long_again) {
    circuit c({.failures = 1, .open_for = 10s, .probes = 3});
    attempt(c, result_of::failure, at(0s));
    EXPECT_FALSE(attempt(c, result_of::success, at(10s)));
    EXPECT_EQ(attempt(c, result_of::failure, at(11s)), (circuit::change{state::half_open, state::open}));
    EXPECT_EQ(c.open_until(), at(21s));
}

TEST(circuit, a_probe_that_was_not_tried_makes_room_for_another) {
    circuit c({.failures = 1, .open_for = 10s});
    attempt(c, result_of::failure, at(0s));
    EXPECT_FALSE(attempt(c, result_of::unknown, at(10s)));
    EXPECT_EQ(c.now_in(), state::half_open);
    EXPECT_TRUE(is_admitted(c.ask(at(10s))));
}

TEST(circuit, what_was_admitted_before_a_change_changes_nothing) {
    circuit c({.failures = 1, .open_for = 10s});
    const auto slow = c.ask(at(0s)), slower = c.ask(at(0s));
    attempt(c, result_of::failure, at(1s));
    EXPECT_FALSE(c.ended(period_of(slow), result_of::success, at(2s)));
    EXPECT_EQ(c.now_in(), state::open);
    ASSERT_TRUE(is_admitted(c.ask(at(11s))));
    EXPECT_FALSE(c.ended(period_of(slower), result_of::failure, at(12s)));
    EXPECT_EQ(c.now_in(), state::half_open);
}

TEST(circuit, the_rate_is_of_the_window_alone_and_not_of_few_attempts) {
    circuit c({.failure_rate = 0.5, .at_least = 10, .window = 10s});
    for (int i = 0; i < 9; ++i)
        EXPECT_FALSE(attempt(c, result_of::failure, at(1s)));
    for (int i = 0; i < 10; ++i) // 11 s on, the nine are forgotten
        EXPECT_FALSE(attempt(c, result_of::success, at(12s)));
    for (int i = 0; i < 9; ++i)
        EXPECT_FALSE(attempt(c, result_of::failure, at(13s)));
    EXPECT_TRUE(attempt(c, result_of::failure, at(13s)));
}

/// Random attempts that overlap, end out of order, late or never, against what must hold at any time.
class history {
public:
    explicit history(std::uint64_t seed)
        : random_(seed),
          rules_{.failures = static_cast<int>(random_.below(4)),
                 .failure_rate = random_.chance(0.6) ? 0.3 : 0,
                 .at_least = 1 + random_.below(8),
                 .open_for = std::chrono::milliseconds(1 + random_.below(500)),
                 .probes = 1 + random_.below(3)},
          circuit_(with_some_rule()) {}

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            now_ += std::chrono::milliseconds(random_.below(60));
            random_.chance(0.55) ? ask() : end_one();
        }
    }
    int openings = 0, closings = 0;

private:
    breaker_settings& with_some_rule() {
        if (!rules_.is_set()) rules_.failures = 1;
        return rules_;
    }
    void ask() {
        const state before = circuit_.now_in();
        const bool is_shut = before == state::open && now_ < circuit_.open_until();
        const auto answer = circuit_.ask(now_);
        note(answer.changed);
        if (is_admitted(answer)) {
            EXPECT_FALSE(is_shut);
            begun_.push_back(period_of(answer));
            EXPECT_TRUE(circuit_.now_in() != state::half_open || out_in(circuit_.period()) <= rules_.probes);
        } else {
            EXPECT_NE(before, state::closed);
            EXPECT_GT(std::get<circuit::refused>(answer.what).until, now_);
        }
    }
    void end_one() {
        if (begun_.empty()) return;
        const auto which = begun_.begin() + static_cast<std::ptrdiff_t>(random_.below(begun_.size()));
        const std::uint64_t period = *which;
        begun_.erase(which);
        const auto how = static_cast<result_of>(random_.below(3));
        const bool is_old = period != circuit_.period();
        const auto changed = circuit_.ended(period, how, now_);
        EXPECT_FALSE(is_old && changed);
        if (changed) {
            EXPECT_EQ(how, changed->to == state::open ? result_of::failure : result_of::success);
        }
        note(changed);
    }
    void note(const std::optional<circuit::change>& changed) {
        if (!changed) return;
        openings += changed->to == state::open;
        closings += changed->to == state::closed;
        EXPECT_EQ(changed->to, circuit_.now_in());
        if (changed->to == state::half_open) {
            EXPECT_EQ(changed->from, state::open);
            EXPECT_GE(now_, circuit_.open_until());
        }
        EXPECT_TRUE(changed->to != state::closed || changed->from == state::half_open);
    }
    std::size_t out_in(std::uint64_t period) const {
        return static_cast<std::size_t>(std::ranges::count(begun_, period));
    }

    prng random_;
    breaker_settings rules_;
    circuit circuit_;
    steady_time now_{};
    std::deque<std::uint64_t> begun_;
};

TEST(circuit, keeps_its_rules_through_any_history) {
    int openings = 0, closings = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        history one(seed);
        one.run(1'000);
        openings += one.openings;
        closings += one.closings;
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(openings, 1'000);
    EXPECT_GT(closings, 1'000);
}

TEST(circuit, settings_that_cannot_work_are_refused_by_name) {
    const auto refused = [](const breaker_settings& s, std::string_view member) {
        const auto valid = s.validate();
        return !valid && valid.error().message().find(member) != std::string_view::npos;
    };
    EXPECT_TRUE(refused({.failures = -1}, "failures"));
    EXPECT_TRUE(refused({.failure_rate = 1.5}, "failure_rate"));
    EXPECT_TRUE(refused({.failures = 1, .open_for = 0s}, "open_for"));
    EXPECT_TRUE(refused({.failures = 1, .probes = 0}, "probes"));
    EXPECT_TRUE((breaker_settings{.failures = 10, .open_for = 30s}.validate()));
}

} // namespace
} // namespace corvid

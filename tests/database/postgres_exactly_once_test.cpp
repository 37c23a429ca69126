// SPDX-License-Identifier: Apache-2.0
// What handlers of a service record while sessions die under it.
#include "by_offset_harness.hpp"
#include "postgres_server.hpp"

#include <atomic>

namespace corvid::test {
namespace {

template <class Fixture>
class losses : public Fixture {
protected:
    using Fixture::here_;
    /// Five times, in the middle of it.
    void end_all_sessions(const booked& at) {
        if (at.account != "a0" || at.n % 20 != 11) return;
        const auto admin = connect_raw(postgres_url());
        const std::string url = here_->url();
        const auto from = url.find("application_name=") + 17;
        ask_raw(
            admin.get(),
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = '" +
                url.substr(from, url.find('&') - from) + "'");
        ++deaths_;
    }
    std::atomic<int> deaths_{0};
};
using exactly_once_losses = losses<exactly_once_on_threads>;
using by_offset_losses = losses<by_offset_on_threads>;

TEST_F(exactly_once_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        books()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(exactly_once_losses, under_units_that_ask_lose_nothing_and_are_no_attempts) {
    expect_each_once([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        return asks_and_books()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(by_offset_losses, of_all_sessions_again_and_again_lose_nothing_and_are_no_attempts) {
    expect_each_once_in_order_of_offset([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        places()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

TEST_F(by_offset_losses, under_units_that_ask_lose_nothing_and_are_no_attempts) {
    expect_each_once_in_order_of_offset([this](const booked& b, context& ctx, unit_of_work& unit) {
        end_all_sessions(b);
        return asks_and_places()(b, ctx, unit);
    });
    EXPECT_GE(deaths_, 5);
}

} // namespace
} // namespace corvid::test

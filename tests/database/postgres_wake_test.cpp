// SPDX-License-Identifier: Apache-2.0
// How a relay hears of commits. Where a test is about NOTIFY the relay polls once a minute, longer than any
// test waits.
#include "postgres_server.hpp"
#include "relay_harness.hpp"

namespace corvid::test {
namespace {

class waking : public relaying {
protected:
    waking() : other_(root_, {.url = here_->url(), .pool_size = 2}) {}

    /// By a pool that no relay of this process works on: as another process would.
    void commit_elsewhere(const std::string& account, int n) {
        auto written = get(other_.write(with(account, n)));
        EXPECT_TRUE(written) << written.error().describe();
    }
    [[nodiscard]] bool arrives(std::size_t records_so_far) {
        return until([&] { return records().size() >= records_so_far; });
    }
    /// The server's process of the session that listens; empty: none does.
    std::string listener() {
        return ask_raw(admin_.get(),
                       "select coalesce(max(pid)::text, '') from pg_stat_activity where query like "
                       "'listen %' and state = 'idle' and application_name = '" +
                           application() + "'");
    }
    std::string application() {
        const std::string url = here_->url();
        const auto from = url.find("application_name=") + 17;
        return url.substr(from, url.find('&', from) - from);
    }
    /// What sessions of this test said by NOTIFY on this connection since it was asked last; tests beside it
    /// speak on the same channel.
    int notices(PGconn* on) {
        ask_raw(on, "select 1"); // a NOTIFY comes with an answer at the latest
        int count = 0;
        while (PGnotify* const one = PQnotifies(on)) {
            count +=
                ask_raw(admin_.get(), "select count(*) from pg_stat_activity where application_name = '" +
                                          application() + "' and pid = " + std::to_string(one->be_pid)) == "1"
                    ? 1
                    : 0;
            PQfreemem(one);
        }
        return count;
    }

    database other_;
    raw_connection admin_ = connect_raw(postgres_url());
};

TEST_F(waking, a_commit_of_another_process_wakes_the_relay_long_before_it_polls) {
    begin_relay({.poll = 60s});
    ASSERT_TRUE(until([&] { return !listener().empty(); }));
    for (int n = 1; n <= 20; ++n) {
        commit_elsewhere("a", n);
        ASSERT_TRUE(arrives(static_cast<std::size_t>(n)));
    }
}

TEST_F(waking, a_commit_of_its_own_process_wakes_the_relay_without_a_word_to_the_server) {
    const raw_connection ear = connect_raw(here_->url());
    ask_raw(ear.get(), "listen corvid_outbox");
    begin_relay({.poll = 60s, .lease = 60s}); // whoever loses a shard says every commit
    const gauge shards = figures_.gauge_of(metric::outbox_shards, {db_->settings().name});
    ASSERT_TRUE(until([&] { return shards.value() == 8; }));
    for (int n = 1; n <= 20; ++n) {
        commit("a", n);
        ASSERT_TRUE(arrives(static_cast<std::size_t>(n)));
    }
    EXPECT_EQ(notices(ear.get()), 0);
}

TEST_F(waking, a_relay_that_has_not_all_shards_says_it_to_the_others) {
    begin_relay({.name = "a", .poll = 60s, .lease = 1s});
    database elsewhere(root_, {.url = here_->url(), .pool_size = 2});
    outbox box(elsewhere);
    relay second(box, *out_, {.name = "b", .poll = 60s, .lease = 1s}, nullptr, quiet());
    const gauge shards = figures_.gauge_of(metric::outbox_shards, {db_->settings().name});
    ASSERT_TRUE(until([&] { return shards.value() == 4; }));
    for (int n = 1; n <= 32; ++n)
        commit("a" + std::to_string(n), n);
    EXPECT_TRUE(arrives(32));
    second.close();
}

TEST_F(waking, a_lost_listener_comes_back_and_has_missed_nothing) {
    begin_relay({.poll = 60s});
    for (int n = 1; n <= 5; ++n) {
        ASSERT_TRUE(until([&] { return !listener().empty(); }));
        const std::string lost = listener();
        ask_raw(admin_.get(), "select pg_terminate_backend(" + lost + ", 5000)");
        commit_elsewhere("a", 2 * n - 1); // while nobody listens
        EXPECT_TRUE(arrives(static_cast<std::size_t>(2 * n - 1)));
        ASSERT_TRUE(until([&] { return !listener().empty() && listener() != lost; }));
        commit_elsewhere("a", 2 * n);
        EXPECT_TRUE(arrives(static_cast<std::size_t>(2 * n)));
    }
}

TEST_F(waking, a_pool_that_a_writer_has_whole_does_not_hold_the_relay_up) {
    open([](database_settings& s) { s.pool_size = 1; });
    outbox box(*db_);
    {
        relay sending(box, *out_, {.poll = 60s}, nullptr, quiet());
        ASSERT_TRUE(until([&] { return !listener().empty(); }));
        auto held = get(db_->begin());
        ASSERT_TRUE(held) << held.error().describe();
        for (int n = 1; n <= 20; ++n) {
            commit_elsewhere("a", n);
            ASSERT_TRUE(arrives(static_cast<std::size_t>(n)));
        }
        EXPECT_TRUE(get(held->rollback()));
    }
}

TEST_F(waking, while_nobody_listens_the_relay_polls) {
    open([](database_settings& s) { s.reconnect = {.first = 600s, .cap = 600s}; });
    outbox box(*db_);
    {
        relay polling(box, *out_, {.poll = 5ms}, nullptr, quiet());
        ASSERT_TRUE(until([&] { return !listener().empty(); }));
        ask_raw(admin_.get(), "select pg_terminate_backend(" + listener() + ", 5000)");
        for (int n = 1; n <= 10; ++n) {
            commit_elsewhere("a", n);
            ASSERT_TRUE(arrives(static_cast<std::size_t>(n)));
        }
        EXPECT_EQ(listener(), "");
    }
}

TEST_F(waking, many_commits_say_it_once_in_five_milliseconds_and_the_last_is_never_left_out) {
    const raw_connection ear = connect_raw(here_->url());
    ask_raw(ear.get(), "listen corvid_outbox");
    const auto began = root_.steady_now();
    for (int n = 1; n <= 300; ++n)
        commit("a" + std::to_string(n % 7), n);
    const auto took = root_.steady_now() - began;
    int heard = notices(ear.get());
    EXPECT_GE(heard, 1);
    EXPECT_LE(heard, took / 5ms + 2);
    // what is committed while one is on its way is said by another, later
    EXPECT_TRUE(until([&] {
        const int more = notices(ear.get());
        heard += more;
        return more == 0;
    }));
    commit("a", 301);
    EXPECT_TRUE(until([&] { return notices(ear.get()) > 0; }));
}

} // namespace
} // namespace corvid::test

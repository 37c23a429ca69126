// SPDX-License-Identifier: Apache-2.0
// What happens to sessions and transactions when the server, or the way to it, goes.
#include "harness.hpp"
#include "postgres_server.hpp"
#include "tcp_relay.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class postgres_loss : public database_test {
protected:
    void end_all_sessions() { end_sessions_of(here_->url()); }
    void make_table() { run("create table t(id bigint primary key)"); }
    std::vector<std::int64_t> ids() { return read<std::int64_t>("select id from t order by id"); }
    static unit_of_work insert(std::int64_t id) {
        unit_of_work unit;
        unit.execute("insert into t values ($1)", id);
        return unit;
    }
};

using list = std::vector<std::int64_t>;

TEST_F(postgres_loss, a_session_ended_within_a_transaction_is_retriable_and_nothing_of_it_is_there) {
    open();
    make_table();
    auto held = get(db_->begin());
    ASSERT_TRUE(held);
    ASSERT_TRUE(get(held->execute("insert into t values (1)")));
    end_all_sessions();
    const auto late = get(held->execute("insert into t values (2)"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), errc::database_unreachable) << late.error().describe();
    EXPECT_EQ(late.error().kind(), error_kind::retriable);
    EXPECT_EQ(ids(), list{});
}

TEST_F(postgres_loss, a_transaction_that_asks_nothing_for_too_long_is_over_and_its_locks_are_free) {
    open([](database_settings& s) { s.transaction_idle_timeout = 200ms; });
    make_table();
    auto held = get(db_->begin());
    ASSERT_TRUE(held);
    ASSERT_TRUE(get(held->execute("insert into t values (1)")));
    run("insert into t values (1)"); // waits for the other
    const auto late = get(held->execute("insert into t values (2)"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), error_kind::retriable) << late.error().describe();
    EXPECT_EQ(late.error().code(), errc::statement_timed_out) << "the handler's own doing, and no outage";
    EXPECT_NE(late.error().describe().find("transaction_idle_timeout"), std::string::npos)
        << late.error().describe();
    EXPECT_EQ(ids(), list{1});
}

// While it waits for the rest of a flight only its keepalive tells it.
TEST_F(postgres_loss, a_client_that_has_gone_without_a_word_is_missed_by_the_server_within_five_seconds) {
    open();
    const auto in_force = [this](const std::string& name) {
        return read<std::int64_t>("select cast(setting as bigint) from pg_settings where name = $1", name)
            .at(0);
    };
    const auto silent = in_force("tcp_keepalives_idle"), probes = in_force("tcp_keepalives_count");
    EXPECT_GT(silent, 0);
    EXPECT_GT(probes, 0);
    EXPECT_LE(silent + probes * in_force("tcp_keepalives_interval"), 5);
    const auto unconfirmed = in_force("tcp_user_timeout");
    EXPECT_TRUE(unconfirmed > 0 && unconfirmed <= 5'000) << unconfirmed;
}

// The same the other way round.
TEST_F(postgres_loss, a_server_that_has_gone_without_a_word_is_missed_by_its_client_within_five_seconds) {
    open();
    ASSERT_TRUE(get(db_->query<std::int64_t>("select 1")));
    const auto of = [](int socket, int option) {
        int value = 0;
        socklen_t size = sizeof value;
        return getsockopt(socket, IPPROTO_TCP, option, &value, &size) == 0 ? value : -1;
    };
    int sessions = 0;
    for (int socket = 0; socket < 1'024; ++socket) {
        if (of(socket, TCP_USER_TIMEOUT) != 5'000) continue; // none of corvid's
        ++sessions;
        EXPECT_LE(of(socket, TCP_KEEPIDLE) + of(socket, TCP_KEEPCNT) * of(socket, TCP_KEEPINTVL), 5);
    }
    EXPECT_GT(sessions, 0);
}

TEST_F(postgres_loss, a_session_ended_before_commit_was_sent_is_no_unknown_outcome) {
    open();
    make_table();
    auto held = get(db_->begin());
    ASSERT_TRUE(held);
    ASSERT_TRUE(get(held->execute("insert into t values (1)")));
    end_all_sessions();
    const auto committed = get(held->commit());
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code(), errc::database_unreachable) << committed.error().describe();
    EXPECT_EQ(ids(), list{});
}

TEST_F(postgres_loss, idle_sessions_that_were_ended_are_replaced_before_anybody_gets_them) {
    open([](database_settings& s) { s.pool_size = 3; });
    make_table();
    for (std::int64_t round = 0; round < 20; ++round) {
        end_all_sessions();
        struct settle {
            static task<void> run() { co_await sleep(20ms); }
        };
        on_loop(settle::run()); // the news travels by another socket than the next call
        const auto written = get(db_->write(insert(round)));
        EXPECT_TRUE(written) << written.error().describe();
    }
    EXPECT_EQ(ids().size(), 20U);
}

TEST_F(postgres_loss, a_commit_whose_answer_is_lost_is_an_unknown_outcome_and_may_have_happened) {
    tcp_relay relay(postgres_url());
    here_url_ = relay.through(here_->url());
    open([this](database_settings& s) {
        s.url = here_url_;
        s.statement_deadline = 300ms;
        s.lock_timeout = 300ms;
    });
    make_table();
    ASSERT_TRUE(get(db_->write(insert(1))));
    relay.swallow_answers();
    const auto lost = get(db_->write(insert(2)));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code(), errc::commit_unknown) << lost.error().describe();
    EXPECT_EQ(lost.error().kind(), error_kind::retriable);
    relay.pass_on();
    EXPECT_EQ(ids(), (list{1, 2})); // it did happen here: whoever had guessed "failed" would do it twice
}

TEST_F(postgres_loss, a_commit_that_never_arrives_is_an_unknown_outcome_too) {
    tcp_relay relay(postgres_url());
    here_url_ = relay.through(here_->url());
    open([this](database_settings& s) {
        s.url = here_url_;
        s.statement_deadline = 300ms;
        s.lock_timeout = 300ms;
    });
    make_table();
    ASSERT_TRUE(get(db_->write(insert(1)))); // from now on all goes out at once
    relay.swallow_all();
    const auto lost = get(db_->write(insert(2)));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code(), errc::commit_unknown) << lost.error().describe();
    relay.pass_on();
    EXPECT_EQ(ids(), list{1});
}

TEST_F(postgres_loss, a_connection_cut_before_commit_is_retriable_and_not_unknown) {
    tcp_relay relay(postgres_url());
    here_url_ = relay.through(here_->url());
    open([this](database_settings& s) { s.url = here_url_; });
    make_table();
    auto held = get(db_->begin());
    ASSERT_TRUE(get(held->execute("insert into t values (1)")));
    relay.cut();
    const auto late = get(held->query<std::int64_t>("select id from t"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), errc::database_unreachable) << late.error().describe();
    relay.pass_on();
    EXPECT_EQ(ids(), list{});
}

TEST_F(postgres_loss, a_server_that_nobody_listens_at_is_told_with_its_cause_when_the_wait_is_over) {
    open([](database_settings& s) {
        s.url = "postgresql://corvid@127.0.0.1:1/corvid";
        s.acquire_timeout = 300ms;
    });
    const auto refused = get(db_->query<std::int64_t>("select 1"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::database_unreachable);
    EXPECT_NE(refused.error().message().find("acquire_timeout (300 ms)"), std::string_view::npos);
    ASSERT_NE(refused.error().cause(), nullptr);
    EXPECT_NE(refused.error().cause()->message().find("refused"), std::string_view::npos)
        << refused.error().describe();
    EXPECT_FALSE(db_->reachable());
}

TEST_F(postgres_loss, a_database_that_does_not_exist_is_refused_at_once_and_fatal) {
    open([](database_settings& s) {
        s.url = postgres_url() + "_none";
        s.acquire_timeout = 60s;
    });
    const auto refused = get(db_->query<std::int64_t>("select 1"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::database_refused) << refused.error().describe();
    EXPECT_EQ(refused.error().kind(), error_kind::fatal);
    EXPECT_EQ(refused.error().sqlstate(), "3D000");
}

TEST_F(postgres_loss, a_host_that_never_answers_ends_within_connect_timeout) {
    tcp_relay relay(postgres_url());
    relay.swallow_all();
    here_url_ = relay.through(here_->url());
    open([this](database_settings& s) {
        s.url = here_url_;
        s.connect_timeout = 100ms;
        s.acquire_timeout = 350ms;
    });
    const auto refused = get(db_->query<std::int64_t>("select 1"));
    ASSERT_FALSE(refused);
    ASSERT_NE(refused.error().cause(), nullptr);
    EXPECT_NE(refused.error().cause()->message().find("connect_timeout (100 ms)"), std::string_view::npos);
    relay.pass_on();
    EXPECT_TRUE(until([&] { return get(db_->query<std::int64_t>("select 1")).has_value(); }));
}

} // namespace
} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
// A COMMIT that is lost: on its way, so that the server keeps the transaction open, or its answer.
#include "inbox_harness.hpp"
#include "outbox_harness.hpp"
#include "postgres_server.hpp"
#include "tcp_relay.hpp"
#include <corvid/inbox/by_offset/offset_writer.hpp>
#include <corvid/observe/metrics.hpp>

#include <numeric>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;
using commit_loss = tcp_relay::commit_loss;

class lost_commits : public inbox_test, public testing::WithParamInterface<commit_loss> {
protected:
    static constexpr std::int64_t lanes = 10, before = 40, all = 100;
    static constexpr std::size_t pool_size = 3;
    static constexpr std::size_t most_of_a_name = 63; // PostgreSQL's NAMEDATALEN, less one

    lost_commits() : relay_(postgres_url()) {
        run("create table had(at bigserial primary key, lane bigint not null, n bigint not null)");
        outbox box(*db_);
        EXPECT_GT(get(box.migrate()).value_or(-1), 0);
    }
    /// Back before the server has given anything up.
    database& through(std::chrono::milliseconds idle = database_settings{}.transaction_idle_timeout) {
        std::string url = relay_.through(here_->url());
        const auto name = url.find("application_name=") + 17;
        url.insert(name, "through_");
        application_ = url.substr(name, std::min(url.find('&', name) - name, most_of_a_name));
        return through_.emplace(root_,
                                database_settings{.url = url,
                                                  .pool_size = pool_size,
                                                  .statement_deadline = 500ms,
                                                  .lock_timeout = 500ms,
                                                  .transaction_idle_timeout = idle,
                                                  .reconnect = {.first = 10ms, .cap = 50ms},
                                                  .seed = 3},
                                &figures_);
    }
    /// A row, and an event of it.
    static void have(unit_of_work& unit, std::int64_t i) {
        unit.execute("insert into had(lane, n) values ($1, $2)", i % lanes, i / lanes);
        publish(unit, invoice_issued{.account = std::to_string(i % lanes), .n = static_cast<int>(i / lanes)},
                {.event_id = std::to_string(i)});
    }
    /// One after the other, each until it is written.
    template <class Begin>
    static task<void> asking(Begin begin, std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
            for (bool done = false; !done;) {
                auto beginning = begin(i);
                auto begun = co_await beginning;
                std::optional<error> failed;
                if (!begun) {
                    failed = begun.error();
                } else if ((*begun)->any_new()) {
                    auto outcome =
                        co_await ask_and_have(**begun, unit_of_work{std::shared_ptr<unit_reader>(*begun)}, i);
                    if (!outcome) failed = outcome.error();
                }
                done = !failed;
                EXPECT_TRUE(done || failed->kind() == error_kind::retriable) << failed->describe();
            }
    }
    static task<result<processing>> ask_and_have(asked_unit& of, unit_of_work unit, std::int64_t i) {
        auto asked = co_await unit.query<std::int64_t>("select count(*) from had");
        if (!asked) co_return fail(asked.error());
        have(unit, i);
        auto committed = co_await of.commit(unit);
        co_return committed;
    }

    /// From now on.
    steady_time lose(int many) {
        losing_ = many;
        relay_.lose_commits(many, GetParam());
        return root_.steady_now();
    }
    /// All is written, nothing is left open.
    void expect_recovered(steady_time since) {
        EXPECT_LT(root_.steady_now() - since, 10s);
        EXPECT_EQ(relay_.commits_lost(), losing_);
        const gauge lent = figures_.gauge_of(metric::database_sessions, {"database", "lent"});
        const std::string sessions =
            "select count(*) from pg_stat_activity where application_name = '" + application_ + "'";
        EXPECT_TRUE(until(
            [&] {
                return lent.value() == 0 &&
                       read<std::int64_t>(sessions + " and xact_start is not null").at(0) == 0;
            },
            10s))
            << lent.value() << " sessions are lent";
        EXPECT_TRUE(
            until([&] { return read<std::int64_t>(sessions).at(0) <= std::int64_t{pool_size}; }, 10s));
        EXPECT_EQ(figures_.gauge_of(metric::database_waiting, {"database"}).value(), 0);
    }
    /// The rows and the events of each lane, in order.
    void expect_each_once() {
        std::vector<std::int64_t> its(all / lanes);
        std::iota(its.begin(), its.end(), 0);
        for (std::int64_t lane = 0; lane < lanes; ++lane) {
            EXPECT_EQ(read<std::int64_t>("select n from had where lane = $1 order by at", lane), its)
                << "lane " << lane;
            EXPECT_EQ(read<std::int64_t>("select cast(cast(convert_from(payload, 'UTF8') as json)->>'n' as "
                                         "bigint) from outbox where aggregate_id = $1 order by seq",
                                         std::to_string(lane)),
                      its)
                << "events of lane " << lane;
        }
    }

    tcp_relay relay_;
    metrics figures_{"test"};
    std::optional<database> through_;
    std::string application_;
    int losing_ = 0;
};

TEST_P(lost_commits, leave_recorded_effects_there_once_by_event_id) {
    settled_events told;
    effect_writer writer(through(), "billing", told.sink(), {.linger = 1ms});
    const auto add = [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            effect one{.tag = static_cast<std::uint64_t>(i),
                       .lane = static_cast<std::uint64_t>(i % lanes),
                       .mark = {.id = std::to_string(i)}};
            have(one.unit, i);
            writer.add(std::move(one));
        }
    };
    add(0, before);
    told.wait(before);
    const steady_time since = lose(1);
    add(before, all);
    for (const settled& each : told.wait(all))
        EXPECT_TRUE(each.outcome) << each.outcome.error().describe();
    expect_recovered(since);
    expect_each_once();
}

TEST_P(lost_commits, leave_recorded_effects_there_once_by_offset) {
    std::mutex mutex;
    std::condition_variable arrived;
    std::int64_t next = 0;
    std::string lost;
    offset_writer writer(through(), "billing",
                         [&](const offset_writer::news& news) {
                             const std::lock_guard lock(mutex);
                             if (news.next) next = *news.next;
                             if (news.lost) lost = news.lost->describe();
                             for (const settled& each : news.effects)
                                 if (!each.outcome) lost = each.outcome.error().describe();
                             arrived.notify_all();
                         },
                         {.linger = 1ms});
    const auto add = [&](std::int64_t first, std::int64_t last) {
        std::vector<offset_effect> some;
        for (std::int64_t i = first; i < last; ++i) {
            some.push_back({.tag = static_cast<std::uint64_t>(i), .offset = i});
            have(some.back().unit, i);
        }
        writer.add(1, std::move(some));
        writer.complete(1, last);
        std::unique_lock lock(mutex);
        arrived.wait_for(lock, 30s, [&] { return next >= last || !lost.empty(); });
    };
    writer.assign(1, "shop.order.placed", 0, 0, false);
    add(0, before);
    const steady_time since = lose(1);
    add(before, all);
    EXPECT_EQ(lost, "");
    expect_recovered(since);
    expect_each_once();
    const auto row = get(read_position(*db_, {"billing", "shop.order.placed", 0}));
    EXPECT_TRUE(row && *row == std::int64_t{all});
}

TEST_P(lost_commits, leave_effects_of_those_that_ask_there_once_by_event_id) {
    settled_events told;
    effect_writer writer(through(2s), "billing", told.sink());
    const auto begin = [&](std::int64_t i) {
        return writer.begin({.id = std::to_string(i)}, static_cast<std::uint64_t>(i % lanes));
    };
    on_loop(asking(begin, 0, before));
    const steady_time since = lose(2);
    on_loop(asking(begin, before, all));
    expect_recovered(since);
    expect_each_once();
}

TEST_P(lost_commits, leave_effects_of_those_that_ask_there_once_by_offset) {
    offset_writer writer(through(2s), "billing", [](const offset_writer::news&) {});
    writer.assign(1, "shop.order.placed", 0, 0, false);
    writer.expect(1, {{0, all}});
    const auto begin = [&](std::int64_t i) { return writer.begin({{1, {i}}}, 30s); };
    on_loop(asking(begin, 0, before));
    const steady_time since = lose(2);
    on_loop(asking(begin, before, all));
    expect_recovered(since);
    expect_each_once();
}

INSTANTIATE_TEST_SUITE_P(at, lost_commits,
                         testing::Values(commit_loss::answer, commit_loss::flight,
                                         commit_loss::end_of_flight),
                         [](const auto& p) {
                             return p.param == commit_loss::answer   ? "their_answers"
                                    : p.param == commit_loss::flight ? "their_flights"
                                                                     : "the_ends_of_their_flights";
                         });

} // namespace
} // namespace corvid::test

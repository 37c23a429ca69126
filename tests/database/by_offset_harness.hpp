// SPDX-License-Identifier: Apache-2.0
//
// Members of one group on threads with the in-process broker, whose handlers record by offset into the
// database under test.
#pragma once

#include "exactly_once_harness.hpp"
#include <corvid/inbox/by_offset/offset_mark.hpp>
#include <corvid/memory/cluster.hpp>

#include <atomic>
#include <memory>

namespace sample {
struct placed {
    std::int64_t at = 0;
    std::int64_t partition = 0;
    std::int64_t off = 0;
    std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(placed, (), (at, partition, off, n))
} // namespace sample

namespace corvid::test {

using sample::placed;

class by_offset_on_threads : public inbox_test {
protected:
    static constexpr int partitions = 6;

    by_offset_on_threads() {
        run("create table placed(at " +
            std::string(postgres() ? "bigserial primary key" : "integer primary key autoincrement") +
            ", partition " + type("bigint") + " not null, off " + type("bigint") + " not null, n " +
            type("bigint") + " not null check (n % 25 <> 7))");
        for (const char* topic : {"test.booked", "test.booked.bank.book.dlq"})
            EXPECT_TRUE(cluster_.open_admin()->create_topic(
                {.name = topic_name(topic), .partitions = partitions}, std::chrono::seconds(1)));
    }

    static corvid::settings settings_of_member() {
        corvid::settings s{.service = "bank", .kafka = {.bootstrap = "memory:"}};
        s.http.listen = "";
        s.log.level = log_level::off;
        s.threads.workers = 2;
        return s;
    }
    static auto places() {
        return [](const booked& b, context& ctx, unit_of_work& unit) {
            unit.execute("insert into placed(partition, off, n) values ($1, $2, $3)", ctx.partition().value,
                         ctx.offset().value, b.n);
        };
    }
    static auto asks_and_places() {
        return [](const booked& b, context& ctx, unit_of_work& unit) -> task<outcome> {
            if (b.n % 10 == 0) {
                auto before = co_await unit.query<std::int64_t>(
                    "select count(*) from placed where partition = $1", ctx.partition().value);
                if (!before) co_return retry(before.error());
            }
            unit.execute("insert into placed(partition, off, n) values ($1, $2, $3)", ctx.partition().value,
                         ctx.offset().value, b.n);
            co_return done;
        };
    }

    template <class F>
    std::unique_ptr<service> member(F handler) {
        for (int left = 5;; --left) {
            auto made = std::make_unique<service>(settings_of_member(), cluster_, root_);
            if constexpr (std::invocable<F&, service&>)
                handler(*made);
            else
                made->on<booked>("book", handler,
                                 {.retry = {.limit = 2}, .exactly_once = in(*db_, by_offset)});
            try {
                made->start();
                return made;
            } catch (const config_error& why) { // its session was ended; who supervises it starts it again
                const error* const cause = why.why().cause();
                if (left == 0 || !cause || cause->kind() != error_kind::retriable) throw;
            }
        }
    }
    static void publish(service& by, int from, int to) {
        for (int n = from; n < to; ++n)
            for (int a = 0; a < accounts; ++a) {
                const std::string account = "a" + std::to_string(a);
                const booked one{.id = account + '-' + std::to_string(n), .account = account, .n = n};
                EXPECT_TRUE(by.producer().post(one));
            }
    }
    std::int64_t sum_of_rows() {
        auto sum = get(db_->query<std::int64_t>(
            "select cast(coalesce(sum(next_offset), 0) as bigint) from processed_offsets "
            "where consumer_group = 'bank.book'"));
        return sum && !sum->empty() ? sum->front() : -1;
    }
    void wait_for_rows(std::int64_t sum) {
        (void)until([&] { return sum_of_rows() >= sum; }, 60s);
        EXPECT_EQ(sum_of_rows(), sum);
    }

    /// A member comes and one goes while they work; `handler` may be a function that subscribes, too.
    template <class F>
    void expect_each_once_in_order_of_offset(F handler) {
        auto first = member(handler);
        publish(*first, 0, each / 2);
        auto second = member(handler);
        publish(*second, each / 2, each);
        EXPECT_EQ(first->stop(), exit_code::clean);
        auto third = member(handler);
        wait_for_rows(accounts * each);
        EXPECT_EQ(second->stop(), exit_code::clean);
        EXPECT_EQ(third->stop(), exit_code::clean);
        expect_all_placed();
    }
    void expect_all_placed() {
        std::map<std::int64_t, std::int64_t> last;
        std::size_t good = 0;
        for (const placed& one : read<placed>("select at, partition, off, n from placed order by at")) {
            const auto before = last.emplace(one.partition, -1).first;
            EXPECT_LT(before->second, one.off) << "partition " << one.partition;
            before->second = one.off;
            ++good;
        }
        EXPECT_EQ(good, static_cast<std::size_t>(accounts * (each - each / 25)));
    }

    memory::cluster cluster_{root_};
};

} // namespace corvid::test

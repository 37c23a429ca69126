// SPDX-License-Identifier: Apache-2.0
//
// A service on threads with the in-process broker, whose handlers record into the database under test.
#pragma once

#include "inbox_harness.hpp"
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <map>
#include <set>

namespace sample {
struct booked {
    std::string id;
    std::string account;
    int n = 0; ///< counts up within its account
};
CORVID_MESSAGE(booked, (id, account, n), .topic = "test.booked", .key = &booked::account);

struct booking {
    std::int64_t at = 0;
    std::string account;
    std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(booking, (), (at, account, n))
} // namespace sample

namespace corvid::test {

using namespace std::chrono_literals;
using sample::booked;
using sample::booking;

inline constexpr int accounts = 20, each = 100;

/// The database refuses these.
inline bool is_bad(int n) { return n % 25 == 7; }

class exactly_once_on_threads : public inbox_test {
protected:
    exactly_once_on_threads() {
        run("create table booking(at " +
            std::string(postgres() ? "bigserial primary key" : "integer primary key autoincrement") +
            ", account " + type("text") + " not null, n " + type("bigint") +
            " not null check (n % 25 <> 7))");
    }

    static corvid::settings settings_of_service() {
        corvid::settings s{.service = "bank",
                           .kafka = {.bootstrap = "memory:"},
                           .topics = {{.name = "test.booked", .partitions = 6},
                                      {.name = "test.booked.bank.book.dlq", .partitions = 6}}};
        s.http.listen = "";
        s.log.level = log_level::off;
        s.threads.workers = 2;
        return s;
    }

    /// Every event, each third one twice.
    static void publish(corvid::service& by) {
        for (int n = 0; n < each; ++n)
            for (int a = 0; a < accounts; ++a) {
                const std::string account = "a" + std::to_string(a);
                const booked one{.id = account + '-' + std::to_string(n), .account = account, .n = n};
                for (int copies = n % 3 == 0 ? 2 : 1; copies > 0; --copies)
                    EXPECT_TRUE(by.producer().post(one, {.event_id = one.id}));
            }
    }

    static auto books() {
        return [](const booked& b, context&, unit_of_work& unit) {
            unit.execute("insert into booking(account, n) values ($1, $2)", b.account, b.n);
        };
    }
    static auto asks_and_books() {
        return [](const booked& b, context&, unit_of_work& unit) -> task<outcome> {
            if (b.n % 10 == 0) {
                auto before = co_await unit.query<std::int64_t>(
                    "select count(*) from booking where account = $1", b.account);
                if (!before) co_return retry(before.error());
            }
            unit.execute("insert into booking(account, n) values ($1, $2)", b.account, b.n);
            co_return done;
        };
    }

    template <class F>
    void expect_each_once(F handler) {
        expect_each_once_by([&](corvid::service& service) {
            service.on<booked>("book", handler, {.retry = {.limit = 2}, .exactly_once = in(*db_)});
        });
    }
    template <class F>
    void expect_each_once_by(F subscribe) {
        {
            corvid::service service{settings_of_service()};
            subscribe(service);
            service.start();
            publish(service);
            // the marks of those that are refused come last
            (void)until([&] { return marks_of_service() >= accounts * each; }, 60s);
            EXPECT_EQ(service.stop(), exit_code::clean);
        }
        EXPECT_EQ(marks_of_service(), accounts * each);
        std::map<std::string, std::vector<std::int64_t>> of;
        for (const booking& one : read<booking>("select at, account, n from booking order by at"))
            of[one.account].push_back(one.n);
        std::vector<std::int64_t> good;
        for (int n = 0; n < each; ++n)
            if (!is_bad(n)) good.push_back(n);
        EXPECT_EQ(of.size(), static_cast<std::size_t>(accounts));
        for (const auto& [account, its] : of)
            EXPECT_EQ(its, good) << account;
    }

    std::int64_t marks_of_service() {
        auto rows = get(db_->query<std::int64_t>(
            "select count(*) from processed_events where consumer_group = 'bank.book'"));
        return rows ? rows->front() : -1;
    }
};

} // namespace corvid::test

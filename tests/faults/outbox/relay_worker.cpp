// SPDX-License-Identifier: Apache-2.0
//
// relay_worker: a relay as a process of its own, to be disturbed; SIGTERM closes it.
//
//   relay_worker POSTGRES_URL BOOTSTRAP [NAME=VALUE…]
//
//   lease_ms, in_flight
//   die_after   kill -9 of itself when so many records were acknowledged: nothing of the last batch is saved
//   bug         a careless relay in its place, there to show that the checker finds it:
//     bare_cursor    sends what has a number above the last that it has seen, in the order of numbers
//     mark_first     marks each event as sent before the broker has acknowledged it
#include "../orders.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/outbox/relay.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <thread>

namespace corvid::faults {
namespace {

struct assignment : orders {
    explicit assignment(std::span<char* const> arguments)
        : orders(arguments.subspan(3)), url(arguments[1]), bootstrap(arguments[2]) {}

    std::string url, bootstrap;
};

/// Dies at an acknowledgement, before anybody hears of it.
class mortal_listener final : public broker::sink_listener {
public:
    mortal_listener(broker::sink_listener& to, std::int64_t acks) : to_(to), left_(acks) {}
    void delivered(broker::delivery_batch&& batch) noexcept override {
        left_ -= static_cast<std::int64_t>(batch.node_records);
        if (left_ < 0) kill(getpid(), SIGKILL);
        to_.delivered(std::move(batch));
    }
    void answered(broker::sink_topic& topic, duration took, std::uint64_t records) noexcept override {
        to_.answered(topic, took, records);
    }
    void post_failed(const broker::failed_post& record) noexcept override { to_.post_failed(record); }
    void broken(const error& why) noexcept override { to_.broken(why); }
    bool passed_on(const broker::outgoing& unsent) noexcept override { return to_.passed_on(unsent); }
    void warned(const error& why) noexcept override { to_.warned(why); }

private:
    broker::sink_listener& to_;
    std::int64_t left_; // on the delivery loop
};

class mortal_cluster final : public broker::cluster {
public:
    mortal_cluster(broker::cluster& of, std::int64_t acks) : of_(of), acks_(acks) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override {
        return of_.join(settings, loop, listener);
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& delivery,
                                                   broker::sink_listener& listener) override {
        if (acks_ == 0) return of_.open_sink(settings, delivery, listener);
        mortal_ = std::make_unique<mortal_listener>(listener, acks_);
        return of_.open_sink(settings, delivery, *mortal_);
    }
    std::unique_ptr<broker::admin> open_admin() override { return of_.open_admin(); }

private:
    broker::cluster& of_;
    std::int64_t acks_;
    std::unique_ptr<mortal_listener> mortal_;
};

producer_settings sending() {
    producer_settings s{.sink = {.linger = std::chrono::milliseconds{2}}};
    s.sink.properties = {{"reconnect.backoff.max.ms", "1000"}, {"topic.metadata.propagation.max.ms", "3000"}};
    return s;
}

logger quiet() {
    log_settings settings;
    settings.level = log_level::critical;
    return logger(settings);
}

// What one might write in an afternoon.
class careless_relay {
public:
    careless_relay(const assignment& told, publisher& out)
        : marks_first_(told.text("bug") == "mark_first"),
          left_(told.number("die_after", std::numeric_limits<int>::max())),
          on_(PQconnectdb(told.url.c_str())),
          out_(out) {
        ask("create table if not exists careless(place bigint)");
        ask("create table if not exists careless_mark(id text primary key)");
        ask("insert into careless select -1 where not exists (select from careless)");
    }
    ~careless_relay() { PQfinish(on_); }
    careless_relay(const careless_relay&) = delete;
    careless_relay& operator=(const careless_relay&) = delete;

    void run(const std::stop_token& stop, scheduler& clock) {
        signal never;
        while (!stop.stop_requested()) {
            send_some(stop);
            (void)clock.wait(never, clock.steady_now() + std::chrono::milliseconds{10});
        }
    }

private:
    void ask(const std::string& sql) const { PQclear(PQexec(on_, sql.c_str())); }
    void mark(PGresult* rows) const {
        if (!marks_first_) {
            ask("update careless set place = " + std::string(PQgetvalue(rows, PQntuples(rows) - 1, 0)));
            return;
        }
        std::string ids = "''";
        for (int i = 0; i < PQntuples(rows); ++i)
            ids.append(",'").append(PQgetvalue(rows, i, 1)).append("'");
        ask("insert into careless_mark select id from outbox where id in (" + ids + ")");
    }

    void send_some(const std::stop_token& stop) {
        const std::string wanted = marks_first_ ? "not exists (select from careless_mark m where m.id = o.id)"
                                                : "seq > (select place from careless)";
        PGresult* const rows = PQexec(
            on_, ("select seq, id, aggregate_id, topic, convert_from(payload, 'UTF8') from outbox o where " +
                  wanted + " order by seq limit 500")
                     .c_str());
        const int count = PQntuples(rows);
        if (count > 0 && marks_first_) {
            mark(rows);
            left_ -= count;
            if (left_ < 0) kill(getpid(), SIGKILL); // marked, and never sent
        }
        std::atomic<int> left = count;
        for (int i = 0; i < count; ++i) {
            const std::string_view id = PQgetvalue(rows, i, 1), key = PQgetvalue(rows, i, 2),
                                   payload = PQgetvalue(rows, i, 4);
            const header_list headers{{"idempotency_key", optional_bytes(id)}};
            const auto topic = out_.topic(topic_name(PQgetvalue(rows, i, 3)));
            out_.send(**topic, optional_bytes(key), optional_bytes(payload), {.headers = headers},
                      [&](const result<delivery>&) { --left; });
        }
        while (left > 0 && !stop.stop_requested())
            std::this_thread::yield();
        if (count > 0 && !marks_first_) mark(rows);
        PQclear(rows);
    }

    bool marks_first_;
    std::int64_t left_;
    PGconn* on_;
    publisher& out_;
};

int run(const assignment& told) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
    threaded_scheduler root;
    kafka::cluster real({.bootstrap = told.bootstrap});
    mortal_cluster cluster(real, told.number("die_after", 0));
    publisher out(cluster, root, sending(), quiet());
    int got = 0;
    if (told.text("bug").empty()) {
        database db(root, {.url = told.url});
        outbox box(db);
        relay working(box, out,
                      {.in_flight = static_cast<std::size_t>(told.number("in_flight", 500)),
                       .lease = std::chrono::milliseconds(told.number("lease_ms", 1'000))},
                      nullptr, quiet());
        sigwait(&awaited, &got);
    } else {
        careless_relay working(told, out);
        std::jthread thread([&](const std::stop_token& stop) { working.run(stop, root); });
        sigwait(&awaited, &got);
        thread = {};
    }
    (void)out.close(std::chrono::seconds{10});
    return 0;
}

} // namespace
} // namespace corvid::faults

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: relay_worker POSTGRES_URL BOOTSTRAP [NAME=VALUE...]\n");
        return 2;
    }
    try {
        return corvid::faults::run(
            corvid::faults::assignment(std::span(arguments, static_cast<std::size_t>(count))));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "relay_worker: %s\n", e.what());
        return 1;
    }
}

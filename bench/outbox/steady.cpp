// SPDX-License-Identifier: Apache-2.0
// Events that are committed at a steady rate, open loop, each in a transaction of its own; how long each was
// on its way from the answer to its COMMIT until the broker acknowledged it.
#include <corvid/base/sleep.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/outbox/publish.hpp>
#include <corvid/outbox/relay.hpp>

#include <bench/outbox/arms.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace corvid::bench {
namespace {

using times = std::vector<std::int64_t>; // steady clock, ns; by event

std::uint64_t number_in(std::string_view payload) {
    for (int spaces = 0; spaces < 2; ++spaces)
        payload.remove_prefix(std::min(payload.size(), payload.find(' ') + 1));
    std::uint64_t number = 0;
    std::from_chars(payload.data(), payload.data() + payload.size(), number);
    return number;
}

/// Passes everything on, and notes when each record is acknowledged.
class watched_sink final : public broker::record_sink, public broker::sink_listener {
public:
    watched_sink(scheduler& clock, broker::sink_listener& to, times& acknowledged)
        : clock_(clock), to_(to), acknowledged_(acknowledged) {}
    void watch(std::unique_ptr<broker::record_sink> of) { of_ = std::move(of); }

    result<broker::sink_topic*> topic(const topic_name& name) override { return of_->topic(name); }
    result<void> send(const broker::outgoing& record) noexcept override {
        const std::uint64_t number = number_in(record.value.text());
        {
            const std::lock_guard lock(mutex_);
            numbers_[record.node] = number;
        }
        return of_->send(record);
    }
    void hurry() noexcept override { of_->hurry(); }
    void purge() noexcept override { of_->purge(); }
    [[nodiscard]] std::size_t unreported() const noexcept override { return of_->unreported(); }
    result<void> close(std::chrono::milliseconds patience) override { return of_->close(patience); }

    void delivered(broker::delivery_batch&& batch) noexcept override {
        broker::delivery_batch passed{.nodes = {},
                                      .node_records = batch.node_records,
                                      .node_bytes = batch.node_bytes,
                                      .posted_records = {batch.posted_records[0], batch.posted_records[1]},
                                      .posted_bytes = {batch.posted_bytes[0], batch.posted_bytes[1]}};
        const std::int64_t now = clock_.steady_now().time_since_epoch().count();
        {
            const std::lock_guard lock(mutex_);
            while (work* const node = batch.nodes.pop()) {
                std::int64_t& first = acknowledged_[numbers_.extract(node).mapped()];
                if (first == 0) first = now;
                passed.nodes.push(*node);
            }
        }
        to_.delivered(std::move(passed));
    }
    void answered(broker::sink_topic& topic, duration took, std::uint64_t records) noexcept override {
        to_.answered(topic, took, records);
    }
    void post_failed(const broker::failed_post& record) noexcept override { to_.post_failed(record); }
    void broken(const error& why) noexcept override { to_.broken(why); }
    bool passed_on(const broker::outgoing& unsent) noexcept override {
        if (!to_.passed_on(unsent)) return false;
        const std::lock_guard lock(mutex_); // it comes to another sink of this kind
        numbers_.erase(unsent.node);
        return true;
    }
    void warned(const error& why) noexcept override { to_.warned(why); }

private:
    scheduler& clock_;
    broker::sink_listener& to_;
    times& acknowledged_;
    std::unique_ptr<broker::record_sink> of_;
    std::mutex mutex_;
    std::unordered_map<work*, std::uint64_t> numbers_;
};

class watched_cluster final : public broker::cluster {
public:
    watched_cluster(broker::cluster& of, scheduler& clock, times& acknowledged)
        : of_(of), clock_(clock), acknowledged_(acknowledged) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override {
        return of_.join(settings, loop, listener);
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& delivery,
                                                   broker::sink_listener& listener) override {
        auto watched = std::make_unique<watched_sink>(clock_, listener, acknowledged_);
        watched->watch(of_.open_sink(settings, delivery, *watched));
        return watched;
    }
    std::unique_ptr<broker::admin> open_admin() override { return of_.open_admin(); }

private:
    broker::cluster& of_;
    scheduler& clock_;
    times& acknowledged_;
};

struct writing {
    const outbox_options& chosen;
    database& db;
    times& committed;
    task_scope scope = {};

    /// A transaction.
    static task<void> one(writing& of, std::uint64_t first) {
        const std::uint64_t end = std::min(first + of.chosen.per_transaction, of.chosen.messages);
        unit_of_work unit;
        for (std::uint64_t number = first; number < end; ++number) {
            const std::string key = key_name(static_cast<std::uint32_t>(number % of.chosen.keys));
            const std::string payload = payload_of(of.chosen.keys, number);
            publish(unit, outbox_event{.topic = of.chosen.topic, .key = key, .payload = payload});
        }
        auto call = of.db.write(std::move(unit));
        auto written = co_await call;
        if (!written) stop_on(written.error().describe());
        const std::int64_t now = of.db.loop().steady_now().time_since_epoch().count();
        for (std::uint64_t number = first; number < end; ++number)
            of.committed[number] = now;
    }
    // What is late by then begins at once: the rate does not bend.
    static task<void> all(writing& of, scheduler& home) {
        const steady_time began = home.steady_now();
        for (std::uint64_t number = 0; number < of.chosen.messages; number += of.chosen.per_transaction) {
            const steady_time due = began + std::chrono::nanoseconds(number * 1'000'000'000 / of.chosen.rate);
            const steady_time now = home.steady_now();
            if (due > now) co_await sleep(due - now);
            of.scope.spawn(home, one(of, number));
        }
    }
};

// The first seconds, in which sessions are opened, statements planned and the broker's code compiled, stand
// apart.
std::string percentiles(const outbox_options& chosen, const times& committed, const times& acknowledged) {
    constexpr std::uint64_t warm_up_s = 3;
    const std::size_t warm = std::min<std::size_t>(committed.size() / 2, warm_up_s * chosen.rate);
    times took;
    for (std::size_t i = 0; i < committed.size(); ++i)
        took.push_back(std::max<std::int64_t>(0, acknowledged[i] - committed[i]));
    const auto first = took.begin() + static_cast<std::ptrdiff_t>(warm);
    const auto ms = [](std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; };
    const double warm_up_max = warm == 0 ? 0 : ms(*std::max_element(took.begin(), first));
    std::sort(first, took.end());
    const auto at = [&](double share) {
        return ms(first[static_cast<std::ptrdiff_t>(share * static_cast<double>(took.end() - first - 1))]);
    };
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(),
                  ",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,\"warm_up_max_ms\":%.3f",
                  at(0.5), at(0.99), at(0.999), at(1), warm_up_max);
    return text.data();
}

std::int64_t dead_tuples(database& db) {
    return ask_number(db, "select coalesce(sum(pg_stat_get_dead_tuples(oid)), 0)::int8 from pg_class where "
                          "relkind = 'r' and relname ~ '^outbox_[0-7]$'");
}

} // namespace

outbox_outcome steady(const outbox_options& chosen, bool apart) {
    make_tables(chosen);
    threaded_scheduler root;
    times committed(chosen.messages), acknowledged(chosen.messages);
    // What waits long for a session is late, not lost: bench.py says whether the rate was held.
    const database_settings settings{
        .url = chosen.url, .pool_size = 16, .acquire_timeout = std::chrono::minutes{2}};
    database db(root, settings);
    std::optional<database> other;
    if (apart) other.emplace(root, settings);
    kafka::cluster real({.bootstrap = chosen.bootstrap});
    watched_cluster cluster(real, root, acknowledged);
    metrics figures("bench");
    publisher out(cluster, root, {.sink = {.linger = std::chrono::milliseconds{1}}}, default_logger(),
                  &figures);
    outbox box(db);
    outbox_outcome ran;
    {
        relay working(box, out, {.per_aggregate = chosen.per_aggregate}, &figures);
        const counter sent = figures.counter_of(metric::outbox_published, {settings.name, "acked"});
        const auto loop = root.run_thread("writers", [](scheduler&) {});
        writing by{chosen, apart ? *other : db, committed};
        ran.measured.begin();
        by.scope.spawn(loop->loop(), writing::all(by, loop->loop()));
        by.scope.wait(root);
        const auto until = root.steady_now() + std::chrono::seconds{60};
        signal never;
        while (sent.value() < chosen.messages && root.steady_now() < until)
            (void)root.wait(never, root.steady_now() + std::chrono::milliseconds{1});
        ran.measured.end();
        ran.more = percentiles(chosen, committed, acknowledged) +
                   ",\"dead_tuples\":" + std::to_string(dead_tuples(db));
    }
    (void)out.close(std::chrono::seconds{10});
    return ran;
}

} // namespace corvid::bench

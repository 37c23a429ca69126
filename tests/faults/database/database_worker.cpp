// SPDX-License-Identifier: Apache-2.0
//
// database_worker: a service to be disturbed whose effects go to a database: a row of `effect` a record,
// exactly once. What it handled it appends to a file, as fault_worker does, before that is written.
//
//   database_worker BOOTSTRAP TOPIC GROUP FILE database=URL [NAME=VALUE…]
//
//   session_ms   of the group
//   mark         event_id (default) or offset
//   batches      records are handled in batches
//   publishes    each effect has an event, by the outbox; a relay sends it
//   http         a port for /readyz
//   bug          mark_after_effect, commit_first, highest_offset, guesses: careless.hpp
#include "../worker_parts.hpp"
#include "careless.hpp"
#include "effect_rows.hpp"
#include <corvid/outbox/publish.hpp>
#include <corvid/service/service.hpp>

#include <mutex>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace corvid::faults {
namespace {

using sample::load;
using batch_of_load = std::span<const received<load>>;

[[nodiscard]] effect_mark mark_of(const assignment& o) {
    return o.text("mark") == "offset" ? by_offset : by_event_id;
}

corvid::settings settings_of(const assignment& o) {
    corvid::settings s{.service = "faults"};
    s.kafka.bootstrap = o.bootstrap;
    s.kafka.session_timeout = std::chrono::milliseconds(o.number("session_ms", 6'000));
    s.kafka.properties = {{"reconnect.backoff.max.ms", "1000"}};
    s.http.listen = o.says("http") ? "127.0.0.1:" + o.text("http") : "";
    s.shutdown.drain = std::chrono::seconds(20);
    s.log.level = log_level::error;
    return s;
}

class worker {
public:
    explicit worker(const assignment& o)
        : orders_(o),
          into_(o.file),
          random_(o.seed()),
          service_(settings_of(o)),
          db_(service_.root(),
              {.url = o.text("database"), .transaction_idle_timeout = std::chrono::seconds(5)}),
          careless_(o, db_, service_),
          assigned_(service_.figures().counter_of(metric::rebalances, {o.group, "assigned"})) {
        if (o.says("bug"))
            subscribe_carelessly();
        else if (o.says("batches"))
            subscribe_for_batches();
        else
            subscribe();
        if (o.says("publishes")) service_.relay(db_, {.lease = std::chrono::seconds(1)});
    }

    int run() {
        into_.append("L " + std::to_string(getpid()) + "\n");
        const int code = service_.run();
        service_.tasks().wait(service_.root()); // they use the database
        const auto failures = service_.figures().counter_of(metric::commit_failures, {orders_.group}).value();
        into_.append("X " + std::to_string(getpid()) + " " + std::to_string(failures) + "\n");
        return code;
    }

private:
    void subscribe() {
        service_.on<load>(
            "work",
            [this](const received<load>& in, context& ctx, unit_of_work& db) { return handle(in, ctx, db); },
            {.group = orders_.group, .topics = {orders_.topic}, .exactly_once = in(db_, mark_of(orders_))});
    }
    void subscribe_for_batches() {
        service_.on_batch<load>("work",
                                [this](batch_of_load batch, batch_context& ctx, unit_of_work& db) {
                                    return handle_all(batch, ctx, db);
                                },
                                {.max = 200,
                                 .within = std::chrono::milliseconds(20),
                                 .concurrency = 2,
                                 .group = orders_.group,
                                 .topics = {orders_.topic},
                                 .order = mark_of(orders_) == by_offset ? by_partition : by_key,
                                 .exactly_once = in(db_, mark_of(orders_))});
    }
    void subscribe_carelessly() {
        service_.on<load>("work",
                          [this](const received<load>& in, context& ctx) { return handle_badly(in, ctx); },
                          {.group = orders_.group, .topics = {orders_.topic}, .retry = {.limit = 1'000}});
    }

    [[nodiscard]] std::int64_t now() {
        return std::chrono::nanoseconds(service_.root().steady_now().time_since_epoch()).count();
    }
    void tell(const received<load>& in, std::int64_t t0) {
        into_.append(work_line(in, assigned_.value()) + std::to_string(t0) + " " + std::to_string(now()) +
                     "\n");
    }
    [[nodiscard]] std::chrono::milliseconds work_time() {
        const std::lock_guard lock(mutex_);
        return std::chrono::milliseconds(random_() % 21);
    }
    void record(unit_of_work& into, std::span<const received<load>> of) const {
        std::vector<sample::effect_row> rows;
        for (const auto& each : of) {
            rows.push_back(effect_row_of(each));
            if (orders_.says("publishes")) publish(into, sample::effect_had{each->id, each->key, each->seq});
        }
        into.insert("effect", rows);
    }

    task<void> handle(const received<load>& in, context& ctx, unit_of_work& db) {
        const std::int64_t t0 = now();
        record(db, {&in, 1});
        co_await ctx.sleep(work_time());
        tell(in, t0);
    }
    task<void> handle_all(batch_of_load batch, batch_context& ctx, unit_of_work& db) {
        record(db, batch);
        co_await ctx.sleep(work_time());
        for (const auto& each : batch)
            tell(each, now());
    }
    task<outcome> handle_badly(const received<load>& in, context& ctx) {
        tell(in, now());
        auto handling = careless_.handle(in, ctx);
        co_return co_await std::move(handling);
    }

    assignment orders_;
    work_file into_;
    std::mutex mutex_; // handlers run on several threads
    std::mt19937_64 random_;
    service service_;
    database db_;
    careless careless_;
    counter assigned_;
};

} // namespace
} // namespace corvid::faults

int main(int count, char** arguments) {
    return corvid::faults::run_worker<corvid::faults::worker>(count, arguments);
}

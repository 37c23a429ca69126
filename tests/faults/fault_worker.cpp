// SPDX-License-Identifier: Apache-2.0
//
// fault_worker: a service to be disturbed: handles a topic in a group and appends what it did to a file, each
// record with one write before it is done. The file is shared by all workers and all their lives.
//
//   fault_worker BOOTSTRAP TOPIC GROUP FILE [NAME=VALUE…]
//
//   E id key seq partition offset pid epoch t0 t1    handled, from t0 to t1 (steady clock, ns)
//   T id pid                                         tried, and failed as its poison says
//   L pid                                            a life begins
//   X pid commit_failures                            … and has ended in an orderly way
//
//   session_ms, max_poll_ms   of the group
//   instance                  this one's name, in a group whose members have names
//   work_ms                   a record takes 0 to so many (default 20): asleep, as a coroutine
//   slow_at, slow_ms          its so-manieth record takes so long …
//   inline                    … and all are handled by a plain function, so that this blocks the group's loop
//   drain_ms, grace_ms        of its stop
//   cured                     poison does nothing
//   http                      a port for /readyz and /metrics
//   bug                       there to show that the checker finds it; several, by commas:
//     done_first        says done before it has handled the record, which it does a second later
//     any_order         takes the records of a key as they come
//     holds_partition   a record holds up all behind it in its partition
//     skips_poison      says skip of a record that it should reject
//     suspects_nobody   counts no starts
//     never_leaves      knows no poll interval
//     hoards            keeps 768 KiB a record
//     goes_round        tries a record that fails again and again, without a pause worth the name
//     lingers           stays for three seconds longer when it is told to stop
//     from_beginning, no_last_commit, keeps_positions, tells_no_trouble, drops, stays_away:
//     cheating_cluster.hpp
#include "cheating_cluster.hpp"
#include "worker_parts.hpp"
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace corvid::faults {
namespace {

cheats cheats_of(const assignment& o) {
    return {.from_beginning = o.has_bug("from_beginning"),
            .no_last_commit = o.has_bug("no_last_commit"),
            .keeps_positions = o.has_bug("keeps_positions"),
            .tells_no_trouble = o.has_bug("tells_no_trouble"),
            .drops = o.has_bug("drops"),
            .stays_away = o.has_bug("stays_away")};
}

corvid::settings settings_of(const assignment& o) {
    corvid::settings s{.service = "faults"};
    s.kafka.bootstrap = o.bootstrap;
    s.kafka.session_timeout = std::chrono::milliseconds(o.number("session_ms", 6'000));
    s.kafka.max_poll_interval =
        std::chrono::milliseconds(o.has_bug("never_leaves") ? 300'000 : o.number("max_poll_ms", 300'000));
    s.kafka.membership = o.says("instance") ? membership::fixed : membership::dynamic;
    s.kafka.instance = o.text("instance");
    s.kafka.suspect_after = o.has_bug("suspects_nobody") ? 0 : 3;
    s.kafka.properties = {{"reconnect.backoff.max.ms", "1000"}};
    s.http.listen = o.says("http") ? "127.0.0.1:" + o.text("http") : "";
    s.shutdown.drain = std::chrono::milliseconds(o.number("drain_ms", 20'000));
    s.shutdown.grace = std::chrono::milliseconds(o.number("grace_ms", 5'000));
    s.log.level = log_level::error;
    return s;
}

class worker {
public:
    explicit worker(const assignment& o)
        : orders_(o),
          into_(o.file),
          real_({.bootstrap = o.bootstrap}),
          cluster_(real_, cheats_of(o)),
          slow_at_(o.number("slow_at", 0)),
          work_ms_(o.number("work_ms", 20)),
          random_(o.seed()),
          service_(settings_of(o), cluster_, root_),
          assigned_(service_.figures().counter_of(metric::rebalances, {o.group, "assigned"})) {
        subscription_options options{.group = o.group,
                                     .topics = {o.topic},
                                     .order = by_key,
                                     .retry = {.first = std::chrono::milliseconds(20), .limit = 3}};
        if (o.has_bug("any_order")) options.order = unordered;
        if (o.has_bug("holds_partition")) options.order = by_partition;
        if (o.has_bug("goes_round"))
            options.retry = {.first = std::chrono::milliseconds(1), .factor = 1, .limit = 1'000};
        if (o.says("inline"))
            service_.on<sample::load>(
                "work", [this](const received<sample::load>& in) { return handle_at_once(in); }, options);
        else
            service_.on<sample::load>(
                "work", [this](const received<sample::load>& in, context& ctx) { return handle(in, ctx); },
                options);
    }

    int run() {
        into_.append("L " + std::to_string(getpid()) + "\n");
        const int code = service_.run();
        if (orders_.has_bug("lingers")) std::this_thread::sleep_for(std::chrono::seconds(3));
        const auto failures = service_.figures().counter_of(metric::commit_failures, {orders_.group}).value();
        into_.append("X " + std::to_string(getpid()) + " " + std::to_string(failures) + "\n");
        return code;
    }

private:
    [[nodiscard]] std::int64_t now() const {
        return std::chrono::nanoseconds(root_.steady_now().time_since_epoch()).count();
    }

    /// What is said of a record is put together while it is there: a done_first worker writes it later.
    [[nodiscard]] std::string line_of(const received<sample::load>& in) const {
        return work_line(in, assigned_.value());
    }
    void write(const std::string& line, std::int64_t t0) const {
        into_.append(line + std::to_string(t0) + " " + std::to_string(now()) + "\n");
    }

    task<void> write_later(std::string line, std::int64_t t0) {
        co_await corvid::sleep(std::chrono::seconds(1));
        write(line, t0);
    }

    task<outcome> handle(const received<sample::load>& in, context& ctx) {
        const std::int64_t t0 = now();
        const std::string line = line_of(in);
        if (!in->poison.empty() && !orders_.says("cured")) {
            into_.append("T " + std::to_string(in->id) + " " + std::to_string(getpid()) + "\n");
            if (orders_.has_bug("skips_poison")) co_return skip;
            poison(in->poison);
            if (in->poison == "hang") co_await ctx.sleep(std::chrono::hours(1));
        }
        if (orders_.has_bug("done_first")) {
            service_.tasks().spawn(*scheduler::current(), write_later(line, t0));
            co_return done;
        }
        if (++handled_ == slow_at_)
            co_await corvid::sleep(std::chrono::milliseconds(orders_.number("slow_ms", 0)));
        co_await ctx.sleep(work_time());
        if (orders_.has_bug("hoards")) hoard();
        write(line, t0);
        co_return done;
    }

    [[nodiscard]] std::chrono::milliseconds work_time() {
        const std::lock_guard lock(mutex_);
        return std::chrono::milliseconds(std::uniform_int_distribution(0, work_ms_)(random_));
    }

    void hoard() {
        const std::lock_guard lock(mutex_);
        if (hoard_.size() < 1'500) hoard_.emplace_back(std::size_t{768} * 1024, 'x'); // a gigabyte says it
    }

    static void poison(const std::string& kind) {
        if (kind == "reject") throw rejected("this record is poison");
        if (kind == "throw") throw std::runtime_error("this record fails at each attempt");
        if (kind == "segv") std::raise(SIGSEGV);
    }

    outcome handle_at_once(const received<sample::load>& in) {
        const std::int64_t t0 = now();
        if (++handled_ == slow_at_)
            std::this_thread::sleep_for(std::chrono::milliseconds(orders_.number("slow_ms", 0)));
        write(line_of(in), t0);
        return done;
    }

    assignment orders_;
    work_file into_;
    threaded_scheduler root_;
    kafka::cluster real_;
    cheating_cluster cluster_;
    int slow_at_, work_ms_;
    std::atomic<int> handled_ = 0;
    std::mutex mutex_; // handlers run on several threads
    std::mt19937_64 random_;
    std::vector<std::string> hoard_;
    service service_;
    counter assigned_;
};

} // namespace
} // namespace corvid::faults

int main(int count, char** arguments) {
    return corvid::faults::run_worker<corvid::faults::worker>(count, arguments);
}

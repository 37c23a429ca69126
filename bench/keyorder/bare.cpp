// SPDX-License-Identifier: Apache-2.0
// The bound: the same records, keys, concurrency, work and timers on corvid's schedulers and coroutines, but
// without Kafka and without corvid's engine. All records are at hand from the start, in the order of the
// topic; whoever is free takes the first whose key nobody is at. --threads loops share the keys evenly.
#include <corvid/base/sleep.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/keyorder/key_check.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>

namespace corvid::bench {
namespace {

/// The records of one thread's keys. That thread alone touches it.
class share {
public:
    share(std::uint32_t keys, const handler_work& work, key_check& check)
        : keys_(keys), work_(work), check_(check) {}

    void add(std::uint32_t key) { records_.push_back(key); }

    /// For work that does not wait: one record after the other.
    void run_through() {
        for (const std::uint32_t key : records_)
            handle({key, keys_[key].next++});
    }
    /// One of those that work at the same time.
    task<void> work_on() {
        for (; cursor_ < records_.size();) {
            const std::uint32_t which = records_[cursor_++];
            key_state& key = keys_[which];
            ++key.open;
            if (key.open > 1) continue; // somebody is at it
            for (; key.open > 0; --key.open)
                co_await handle_with_wait({which, key.next++});
        }
    }

private:
    struct key_state {
        std::uint32_t next = 0; ///< sequence
        std::uint32_t open = 0; ///< records passed by and not done
    };

    void handle(keyed what) {
        check_.begin(what);
        if (work_.kind == work_kind::cpu) spin(work_.length);
        check_.end(what);
    }
    task<void> handle_with_wait(keyed what) {
        check_.begin(what);
        co_await sleep(work_.length);
        check_.end(what);
    }

    std::vector<std::uint32_t> records_;
    std::vector<key_state> keys_;
    std::size_t cursor_ = 0;
    handler_work work_;
    key_check& check_;
};

/// The thread of each key: the most frequent first, each to the thread that has least.
std::vector<std::uint32_t> spread_keys(const std::vector<std::uint32_t>& counts, std::uint32_t threads) {
    std::vector<std::uint32_t> by_count(counts.size()), home(counts.size());
    std::vector<std::uint64_t> load(threads);
    std::iota(by_count.begin(), by_count.end(), 0U);
    std::ranges::stable_sort(by_count, std::greater{}, [&](auto key) { return counts[key]; });
    for (const std::uint32_t key : by_count) {
        const auto least = std::ranges::min_element(load);
        home[key] = static_cast<std::uint32_t>(least - load.begin());
        *least += counts[key];
    }
    return home;
}

std::vector<share> shares_of(const options& chosen, key_check& check) {
    const auto plan = plan_keys(chosen);
    const auto home = spread_keys(count_keys(plan, chosen.keys), chosen.threads);
    std::vector<share> shares(chosen.threads, share(chosen.keys, parse_work(chosen.work), check));
    for (const std::uint32_t key : plan)
        shares[home[key]].add(key);
    return shares;
}

void start(share& with, const options& chosen, scheduler& on, task_scope& scope) {
    if (parse_work(chosen.work).kind == work_kind::wait) {
        for (std::uint32_t i = 0; i < std::max(1U, chosen.concurrency / chosen.threads); ++i)
            scope.spawn(on, with.work_on());
    } else {
        scope.spawn(on, [](share& all) -> task<void> {
            all.run_through();
            co_return;
        }(with));
    }
}

int measure(const options& chosen) {
    span measured;
    key_check check(chosen, measured, [] {});
    std::vector<share> shares = shares_of(chosen, check);
    threaded_scheduler root;
    std::vector<std::unique_ptr<loop_thread>> loops;
    task_scope scope;
    for (std::uint32_t i = 0; i < chosen.threads; ++i)
        loops.push_back(root.run_thread("bare", [](scheduler&) {}));
    for (std::uint32_t i = 0; i < chosen.threads; ++i)
        start(shares[i], chosen, loops[i]->loop(), scope);
    scope.wait(root);
    const outcome result = check.verdict();
    print_line(chosen, measured, result, "");
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) {
    try {
        return corvid::bench::measure(corvid::bench::parse_options(argc, argv));
    } catch (const std::exception& why) {
        std::fprintf(stderr, "bench: %s\n", why.what());
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "writers.hpp"

#include "../postgres_process.hpp"
#include <corvid/outbox/publish.hpp>
#include <corvid/store/postgres/enlist.hpp>

#include <stdexcept>

namespace corvid::faults {

namespace {

const std::string very_long_key = "long";

} // namespace

struct writers::planned {
    PGconn* on;
    std::vector<std::pair<std::string, std::string>> events; // id, key
    std::set<std::string> poison;
};

writers::writers(scheduler& clock, std::string url, writer_settings settings, std::uint64_t seed)
    : clock_(clock), url_(std::move(url)), settings_(std::move(settings)) {
    for (int w = 0; w < settings_.writers; ++w)
        threads_.emplace_back([this, w, seed] { write(w, seed + static_cast<std::uint64_t>(w)); });
    if (settings_.very_long.count() > 0) threads_.emplace_back([this] { write_very_long(); });
}

void writers::stop() {
    stopping_ = true;
    threads_.clear();
}

void writers::tell(event_history& to) const {
    to.answered = answered_;
    to.poison = poison_;
    to.late_keys = {very_long_key};
}

void writers::pass(std::chrono::milliseconds span) {
    if (span.count() > 0) (void)clock_.wait(never_, clock_.steady_now() + span);
}

// Poison: 1 is larger than the broker takes.
std::string writers::topic_of(std::uint64_t kind) const {
    return kind < 2 ? settings_.topic : kind == 2 ? missing_topic : forbidden_topic;
}

void writers::run(const planned& what, std::chrono::milliseconds before, std::chrono::milliseconds after,
                  bool good) {
    unit_of_work unit;
    for (const auto& [id, key] : what.events) {
        const std::uint64_t kind = what.poison.contains(id) ? 1 + ++bad_rows_ % 3 : 0;
        const std::string payload = kind == 1 ? std::string(2'000'000, 'x') : "\"" + id + "\"";
        publish(unit, outbox_event{.topic = topic_of(kind), .key = key, .payload = payload},
                {.aggregate_type = "load", .event_id = id});
    }
    (void)rows_of(what.on, "begin");
    (void)rows_of(what.on, "insert into work(id) values ('" + what.events.front().first + "')");
    pass(before);
    if (auto written = store::write_on(what.on, unit); !written)
        throw std::runtime_error(written.error().describe());
    pass(after);
    (void)rows_of(what.on, good ? "commit" : "rollback");
    if (!good) {
        ++rolled_back_;
        return;
    }
    committed_ += what.events.size();
    const std::lock_guard lock(mutex_);
    for (const auto& [id, key] : what.events)
        answered_.insert(id);
    poison_.insert(what.poison.begin(), what.poison.end());
}

void writers::write(int which, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const raw_connection own = connect_raw(url_);
    const auto chance = [&](double share) { return static_cast<double>(random() % 1'000'000) < share * 1e6; };
    for (int n = 0; !stopping_; ++n) {
        planned what{own.get(), {}, {}};
        const auto count = 1 + random() % settings_.rows;
        for (std::uint64_t e = 0; e < count; ++e) {
            const std::string id = std::to_string(which) + '-' + std::to_string(n) + '-' + std::to_string(e);
            what.events.emplace_back(id, 'k' + std::to_string(random() % settings_.keys));
            if (chance(settings_.poison)) what.poison.insert(id);
        }
        const auto whole = static_cast<std::uint64_t>(settings_.longest.count());
        const std::chrono::milliseconds takes(whole == 0 ? 0 : random() % (whole + 1));
        // every other writer holds its aggregates for a twentieth of that
        const auto held = which % 2 == 0 ? takes / 20 : std::chrono::milliseconds(0);
        run(what, takes - held, held, !chance(settings_.rolled_back));
        pass(settings_.pause);
    }
}

void writers::write_very_long() {
    const raw_connection own = connect_raw(url_);
    run({own.get(), {{"long-0", very_long_key}}, {}}, settings_.very_long / 10, settings_.very_long * 9 / 10,
        true);
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
#include "mark_load.hpp"

#include <algorithm>

namespace corvid::faults {

mark_load::mark_load(run_clock& clock, database& db, const load_settings& settings, std::uint64_t seed)
    : clock_(clock),
      settings_(settings),
      events_(static_cast<std::size_t>(settings.rate * settings.seconds)),
      writer_(db, group,
              [this](const std::vector<settled>& some) {
                  const double now = clock_.now();
                  for (const settled& each : some)
                      if (each.outcome) events_[each.tag].settled = now;
                  settled_ += some.size();
              },
              {.max_records = max_records, .transactions = transactions}),
      thread_([this, seed] { send(seed); }) {}

void mark_load::send(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (std::size_t n = 0; n < events_.size(); ++n) {
        clock_.wait_until(static_cast<double>(n) / settings_.rate);
        const bool repeat = static_cast<double>(random() % 1'000'000) < settings_.repeated * 1e6;
        if (!repeat || firsts_.empty()) firsts_.push_back(n);
        marked_event& event = events_[n];
        event.id = firsts_.back() == n ? static_cast<std::uint32_t>(n) : chosen_id(random);
        event.sent = clock_.now();
        effect one{.tag = n, .lane = event.id % 64, .mark = {.id = std::to_string(event.id)}};
        one.unit.execute("insert into effect(id) values ($1)", std::int64_t{event.id});
        writer_.add(std::move(one));
    }
}

// One that was sent in the time in which events may come again.
std::uint32_t mark_load::chosen_id(std::mt19937_64& random) {
    const double since = clock_.now() - settings_.repeat_within_s;
    const auto youngest =
        std::ranges::lower_bound(firsts_, since, {}, [&](std::size_t n) { return events_[n].sent; });
    const auto before = static_cast<std::size_t>(youngest - firsts_.begin());
    const std::size_t choice = firsts_.size() - before;
    return static_cast<std::uint32_t>(choice == 0 ? firsts_.back() : firsts_[before + random() % choice]);
}

std::vector<marked_event> mark_load::finish(double patience) {
    thread_.join();
    const double until = clock_.now() + patience;
    while (settled_ < events_.size() && clock_.now() < until)
        clock_.wait_until(clock_.now() + 0.02);
    writer_.close();
    return events_;
}

mark_watch::mark_watch(run_clock& clock, const std::string& url, const std::string& application)
    : clock_(clock), looks_(connect_raw(url)), reads_(connect_raw(url)) {
    const std::string longest = "coalesce(max(extract(epoch from clock_timestamp() - waitstart)) filter (";
    const std::string sql =
        "select (select turn / 2 from processed_events_turn), (select sum(n_dead_tup) from "
        "pg_stat_user_tables "
        "where relname ~ '^processed_events_[012]$'), " +
        longest + "where application_name = '" + application + "'), 0), " + longest +
        "where application_name <> '" + application +
        "'), 0) from pg_locks join pg_stat_activity using (pid) where not granted and locktype = 'relation' "
        "and mode <> 'AccessExclusiveLock'";
    (void)rows_of(looks_.get(), "create table beside(at timestamptz not null default now())");
    looking_ = std::jthread([this, sql](const std::stop_token& stop) { look(stop, sql); });
    reading_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
}

void mark_watch::look(const std::stop_token& stop, const std::string& sql) {
    std::string turn;
    for (; !stop.stop_requested(); clock_.wait_until(clock_.now() + 0.02)) {
        const double began = clock_.now();
        (void)rows_of(looks_.get(), "insert into beside default values");
        seen_.others.push_back({.sent = began, .settled = clock_.now()});
        const auto row = rows_of(looks_.get(), sql).front();
        if (!turn.empty() && row[0] != turn) seen_.turned.push_back(clock_.now());
        turn = row[0];
        seen_.dead_rows = std::max<std::uint64_t>(seen_.dead_rows, std::stoull(row[1]));
        seen_.writer_wait_s = std::max(seen_.writer_wait_s, std::stod(row[2]));
        seen_.reader_wait_s = std::max(seen_.reader_wait_s, std::stod(row[3]));
    }
}

void mark_watch::read(const std::stop_token& stop) {
    for (; !stop.stop_requested(); clock_.wait_until(clock_.now() + 0.02))
        (void)rows_of(reads_.get(), "select exists (select from processed_events)");
}

void mark_watch::tell(retention_history& to) {
    for (std::jthread* each : {&looking_, &reading_}) {
        each->request_stop();
        each->join();
    }
    to.turned = seen_.turned;
    to.dead_rows = seen_.dead_rows;
    to.others = seen_.others;
    to.writer_wait_s = seen_.writer_wait_s;
    to.reader_wait_s = seen_.reader_wait_s;
}

} // namespace corvid::faults

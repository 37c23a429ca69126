// SPDX-License-Identifier: Apache-2.0
#include "punctuality.hpp"

#include <corvid/outbox/publish.hpp>

#include <algorithm>

namespace flights {

using namespace std::chrono_literals;

void latencies::add(std::chrono::milliseconds time) noexcept {
    const auto last = static_cast<std::int64_t>(counts_.size()) - 1;
    ++counts_[static_cast<std::size_t>(std::clamp<std::int64_t>(time.count(), 0, last))];
    ++all_;
}

latencies& latencies::operator+=(const latencies& other) noexcept {
    std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(), std::plus<>());
    all_ += other.all_;
    return *this;
}

std::chrono::milliseconds latencies::quantile(double share) const noexcept {
    std::int64_t within = 0;
    for (std::size_t ms = 0; ms < counts_.size(); ++ms) {
        within += counts_[ms];
        if (static_cast<double>(within) >= share * static_cast<double>(all_))
            return std::chrono::milliseconds(ms);
    }
    return std::chrono::milliseconds(counts_.size());
}

void punctuality::join(corvid::service& by, board& on) {
    by.on_batch<flight_reported>(
        "punctuality",
        [this](batch flights, corvid::batch_context&, corvid::unit_of_work& db) { handle(flights, db); },
        {.max = 2'000, .within = 10ms, .exactly_once = corvid::in(on.where())});
}

// What comes twice is not among them. What is recorded is committed together with the marks of these events,
// or not at all: then they come again.
void punctuality::handle(batch flights, corvid::unit_of_work& into) {
    tally counted;
    for (const auto& flight : flights) {
        if (!is_ours(flight)) continue;
        times.add(clock_.wall_now() - flight.timestamp());
        counted.add(flight->carrier, flight->tail_number.has_value(), !flight->departure,
                    flight->arrival_delay_minutes);
        if (!flight->departure) announce(*flight, into);
    }
    board::add(into, run_, counted);
}

bool punctuality::is_ours(const corvid::received<flight_reported>& flight) {
    if (flight.is_tombstone() || flight.header(run_header) != run_) {
        ++of_others;
        return false;
    }
    const auto& tail = flight->tail_number;
    const bool key_fits =
        tail ? flight.key() && corvid::as_text(flight.key().bytes()) == *tail : !flight.key();
    if (key_fits && flight->row >= 1 && flight->row <= rows_) return true;
    ++misplaced;
    return false;
}

void punctuality::announce(const flight_reported& cancelled, corvid::unit_of_work& into) const {
    const corvid::header_view mark{run_header, std::string_view(run_)};
    corvid::publish(into,
                    flight_cancelled{.row = cancelled.row,
                                     .date = cancelled.date,
                                     .carrier = cancelled.carrier,
                                     .flight = cancelled.flight,
                                     .tail_number = cancelled.tail_number,
                                     .origin = cancelled.origin,
                                     .destination = cancelled.destination,
                                     .scheduled_departure = cancelled.scheduled_departure},
                    {.headers = {&mark, 1}});
}

punctuality_counts counts_of(corvid::service& member) {
    corvid::metrics& its = member.figures();
    const auto count = [&](corvid::metric which) {
        return static_cast<std::int64_t>(its.counter_of(which, {punctuality::group}).value());
    };
    return {.partitions = its.gauge_of(corvid::metric::assigned_partitions, {punctuality::group}).value(),
            .processed = count(corvid::metric::events_processed),
            .duplicates = count(corvid::metric::events_duplicates)};
}

} // namespace flights

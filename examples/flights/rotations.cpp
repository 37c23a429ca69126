// SPDX-License-Identifier: Apache-2.0
#include "rotations.hpp"

namespace flights {

void fleet::follow(std::string_view tail_number, std::int64_t row) {
    std::string name(tail_number);
    shard& its = shards_[std::hash<std::string>{}(name) % shards_.size()];
    {
        const std::lock_guard lock(its.mutex);
        if (seen_.was_seen(row)) return;
        std::int64_t& last = its.last_rows[std::move(name)];
        if (row < last) ++violations_;
        last = row;
    }
    seen_.counted();
}

std::int64_t fleet::aircraft() const {
    std::size_t all = 0;
    for (const shard& one : shards_) {
        const std::lock_guard lock(one.mutex);
        all += one.last_rows.size();
    }
    return static_cast<std::int64_t>(all);
}

corvid::outcome rotations::handle(const corvid::received<flight_reported>& flight) {
    if (flight.is_tombstone() || flight.header(run_header) != run_) return corvid::skip;
    if (!flight->tail_number) return corvid::dead_letter("a flight without a tail number");
    if (!fleet_.has(flight->row)) return corvid::skip; // punctuality tells of it
    fleet_.follow(*flight->tail_number, flight->row);
    return corvid::done;
}

corvid::outcome dead_letters::handle(const corvid::received<flight_reported>& letter) {
    const corvid::header_list headers = letter.headers();
    const auto text = [&](std::string_view name) {
        return std::string(corvid::find_header(headers, name).value_or(""));
    };
    if (letter.is_tombstone() || text(run_header) != run_) return corvid::skip;
    if (letter->tail_number) ++wrong_;
    const std::lock_guard lock(mutex_);
    sources_.emplace(text(corvid::wire::dlq_topic), text(corvid::wire::dlq_partition),
                     text(corvid::wire::dlq_offset));
    return corvid::done;
}

corvid::outcome cancellations::handle(const corvid::received<flight_cancelled>& event) {
    if (event.is_tombstone() || event.header(run_header) != run_) return corvid::skip;
    if (!seen_.has(event->row)) {
        ++misplaced_;
        return corvid::skip;
    }
    if (seen_.was_seen(event->row)) return corvid::skip;
    seen_.counted();
    return corvid::done;
}

std::int64_t dead_letters::count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(sources_.size());
}

} // namespace flights

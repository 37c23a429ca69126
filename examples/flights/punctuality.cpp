// SPDX-License-Identifier: Apache-2.0
#include "punctuality.hpp"

#include <algorithm>

namespace flights {

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

corvid::outcome punctuality::handle(const corvid::received<flight_reported>& flight) {
    if (flight.is_tombstone() || flight.header(run_header) != run_) {
        ++of_others;
        return corvid::skip;
    }
    const auto& tail = flight->tail_number;
    const bool key_fits =
        tail ? flight.key() && corvid::as_text(flight.key().bytes()) == *tail : !flight.key();
    if (!key_fits || !seen_.has(flight->row)) {
        ++misplaced;
        return corvid::skip;
    }
    if (seen_.was_seen(flight->row)) {
        ++repeated;
        return corvid::skip;
    }
    times.add(clock_.wall_now() - flight.timestamp());
    counted.add(flight->carrier, tail.has_value(), !flight->departure, flight->arrival_delay_minutes);
    seen_.counted();
    return corvid::done;
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/circuit.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

namespace {

std::unexpected<error> wrong(std::string message, std::string hint) {
    return fail(errc::invalid_setting,
                {.message = std::move(message), .hint = std::move(hint), .operation = "subscribe"});
}

} // namespace

result<void> breaker_settings::validate() const {
    if (failures < 0) return wrong("breaker.failures is below 0", "set it to 1 or more, or leave it out");
    if (!(failure_rate >= 0 && failure_rate <= 1))
        return wrong("breaker.failure_rate is not from 0 to 1", "set it to a part of all attempts, as 0.5");
    if (open_for <= duration::zero())
        return wrong("breaker.open_for is not above 0", "set it to some seconds");
    if (window <= duration::zero()) return wrong("breaker.window is not above 0", "set it to some seconds");
    if (probes == 0) return wrong("breaker.probes is 0", "set it to 1 or more");
    if (at_least == 0) return wrong("breaker.at_least is 0", "set it to 1 or more");
    return {};
}

circuit::circuit(breaker_settings settings) : settings_(std::move(settings)) {}

duration circuit::probe_pause() const noexcept {
    return std::min<duration>(settings_.open_for, std::chrono::milliseconds(100));
}

circuit::asked circuit::ask(steady_time now) {
    std::optional<change> changed;
    if (state_ == state::open) {
        if (now < open_until_) return {refused{open_until_}, std::nullopt};
        changed = go_to(state::half_open, now);
    }
    if (state_ == state::half_open) {
        if (out_ >= settings_.probes) return {refused{now + probe_pause()}, changed};
        ++out_;
    }
    return {admitted{period_}, changed};
}

std::optional<circuit::change> circuit::ended(std::uint64_t period, result how, steady_time now) {
    if (period != period_) return std::nullopt;
    return state_ == state::closed ? note_closed(how, now) : note_probe(how, now);
}

std::optional<circuit::change> circuit::go_to(state next, steady_time now) {
    const change made{state_, next};
    state_ = next;
    ++period_;
    out_ = good_probes_ = 0;
    if (next == state::open) open_until_ = now + settings_.open_for;
    if (next == state::closed) {
        in_a_row_ = 0;
        window_ = {};
    }
    return made;
}

std::optional<circuit::change> circuit::note_closed(result how, steady_time now) {
    if (how == result::unknown) return std::nullopt;
    if (settings_.failure_rate > 0) {
        slide(now);
        counted& present = window_[static_cast<std::size_t>(slice_) % slices];
        ++(how == result::success ? present.good : present.bad);
    }
    in_a_row_ = how == result::success ? 0 : in_a_row_ + 1;
    if (how == result::success) return std::nullopt;
    const bool ill = (settings_.failures > 0 && in_a_row_ >= settings_.failures) || rate_is_reached();
    return ill ? go_to(state::open, now) : std::nullopt;
}

std::optional<circuit::change> circuit::note_probe(result how, steady_time now) {
    if (out_ > 0) --out_;
    if (how == result::failure) return go_to(state::open, now);
    if (how == result::success && ++good_probes_ >= settings_.probes) return go_to(state::closed, now);
    return std::nullopt;
}

void circuit::slide(steady_time now) {
    const duration length = std::max(settings_.window / static_cast<int>(slices), duration(1));
    const std::int64_t fresh = now.time_since_epoch() / length;
    for (std::int64_t i = std::max(slice_ + 1, fresh - static_cast<std::int64_t>(slices) + 1); i <= fresh;
         ++i)
        window_[static_cast<std::size_t>(i) % slices] = {};
    slice_ = std::max(slice_, fresh);
}

bool circuit::rate_is_reached() const noexcept {
    if (settings_.failure_rate <= 0) return false;
    counted all;
    for (const counted& each : window_) {
        all.good += each.good;
        all.bad += each.bad;
    }
    const std::size_t attempts = all.good + all.bad;
    return attempts >= settings_.at_least &&
           static_cast<double>(all.bad) >= settings_.failure_rate * static_cast<double>(attempts);
}

std::string_view to_string(circuit::state which) noexcept {
    switch (which) {
    case circuit::state::closed:
        return "closed";
    case circuit::state::half_open:
        return "half_open";
    case circuit::state::open:
        break;
    }
    return "open";
}

} // namespace corvid

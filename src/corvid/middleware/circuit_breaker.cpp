// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/circuit_breaker.hpp>

#include <utility>

namespace corvid {

circuit_breaker::circuit_breaker(std::string name, breaker_settings settings, const logger& log,
                                 metrics* figures)
    : name_(std::move(name)),
      log_(log.with({{"breaker", name_}})),
      shown_(figures ? figures->gauge_of(metric::circuit_state, {name_}) : gauge()),
      circuit_(std::move(settings)),
      closed_period_(circuit_.period()),
      calm_(circuit_.settings().failure_rate <= 0) {
    shown_.set(0);
}

std::optional<std::uint64_t> circuit_breaker::enter(steady_time now, steady_time& until) {
    if (const auto period = closed_period_.load(std::memory_order_relaxed)) return period;
    std::optional<circuit::change> changed;
    std::optional<std::uint64_t> answer;
    {
        const std::lock_guard lock(mutex_);
        const circuit::asked asked = circuit_.ask(now);
        note(changed = asked.changed, nullptr);
        if (const auto* const in = std::get_if<circuit::admitted>(&asked.what))
            answer = in->period;
        else
            until = std::get<circuit::refused>(asked.what).until;
    }
    if (changed) tell(*changed, std::nullopt);
    return answer;
}

void circuit_breaker::leave(std::uint64_t period, const outcome& how, steady_time now) {
    const circuit::result meaning = meaning_of(how);
    if (meaning == circuit::result::success && calm_.load(std::memory_order_relaxed) &&
        closed_period_.load(std::memory_order_relaxed) == period)
        return;
    std::optional<circuit::change> changed;
    {
        const std::lock_guard lock(mutex_);
        changed = circuit_.ended(period, meaning, now);
        note(changed, how.why() ? &*how.why() : nullptr);
    }
    if (changed) tell(*changed, how.why());
}

// Under the lock.
void circuit_breaker::note(const std::optional<circuit::change>& changed, const error* why) {
    const bool closed = circuit_.now_in() == circuit::state::closed;
    calm_.store(closed && circuit_.failures_in_a_row() == 0 && settings().failure_rate <= 0,
                std::memory_order_relaxed);
    closed_period_.store(closed ? circuit_.period() : 0, std::memory_order_relaxed);
    if (!changed) return;
    shown_.set(static_cast<double>(changed->to));
    if (changed->to == circuit::state::open) last_ = why ? std::optional(*why) : std::nullopt;
}

void circuit_breaker::tell(const circuit::change& changed, const std::optional<error>& why) const {
    switch (changed.to) {
    case circuit::state::open:
        log_.write(log_level::warn,
                   changed.from == circuit::state::half_open ? "a circuit breaker stays open: a probe failed"
                                                             : "a circuit breaker opens",
                   std::initializer_list<log_field>{{"open_for_ms", settings().open_for}},
                   why ? &*why : nullptr, logger::site::current());
        return;
    case circuit::state::half_open:
        return log_.info("a circuit breaker is half open: probes are let through");
    case circuit::state::closed:
        return log_.info("a circuit breaker closes");
    }
}

circuit::result circuit_breaker::meaning_of(const outcome& how) const {
    switch (how.kind()) {
    case verdict::done:
    case verdict::skip:
        return circuit::result::success;
    case verdict::retry:
        break;
    case verdict::dead_letter:
    case verdict::stop:
        return circuit::result::unknown;
    }
    const auto& counts = settings().counts;
    if (!counts || !how.why()) return circuit::result::failure;
    try {
        return counts(*how.why()) ? circuit::result::failure : circuit::result::unknown;
    } catch (...) { // it cannot say
        return circuit::result::failure;
    }
}

std::optional<steady_time> circuit_breaker::not_before(steady_time now, std::size_t begun) const {
    if (is_closed()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    switch (circuit_.now_in()) {
    case circuit::state::closed:
        return std::nullopt;
    case circuit::state::open:
        if (now < circuit_.open_until()) return circuit_.open_until();
        break;
    case circuit::state::half_open:
        if (circuit_.free_probes() == 0) return now + circuit_.probe_pause();
        break;
    }
    return begun < settings().probes ? std::nullopt : std::optional(now + circuit_.probe_pause());
}

circuit::state circuit_breaker::state() const {
    const std::lock_guard lock(mutex_);
    return circuit_.now_in();
}

std::string circuit_breaker::describe(steady_time now) const {
    const std::lock_guard lock(mutex_);
    std::string text(to_string(circuit_.now_in()));
    if (circuit_.now_in() != circuit::state::open) return text;
    const auto left = std::chrono::ceil<std::chrono::seconds>(circuit_.open_until() - now).count();
    text +=
        left > 0 ? "; tried again in " + std::to_string(left) + " s" : "; tried again with the next record";
    if (last_) text += "; " + last_->describe();
    return text;
}

} // namespace corvid

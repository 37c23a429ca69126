// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/attempt_chain.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace corvid {

namespace {

// How soon to look again for a place that others have.
constexpr duration place_pause = std::chrono::milliseconds(5);

} // namespace

bool chain_settings::is_set() const noexcept {
    return breaker.is_set() || rate.is_set() || bulkhead.is_set() || deadline != duration::zero() ||
           tracing.sink || !middleware.empty();
}

attempt_chain::attempt_chain(chain_settings settings, dependencies& of_service, std::string handler,
                             std::string group)
    : handler_(std::move(handler)),
      group_(std::move(group)),
      breaker_(of_service.breaker(settings.breaker, handler_)),
      rate_(of_service.rate(settings.rate, handler_)),
      bulkhead_(of_service.bulkhead(settings.bulkhead, handler_)),
      deadline_(settings.deadline),
      tracing_(std::move(settings.tracing)),
      list_(std::move(settings.middleware)) {
    if (deadline_ < duration::zero())
        throw config_error(error(errc::invalid_setting,
                                 {.message = "subscription \"" + handler_ + "\": deadline is below 0",
                                  .hint = "set it to the time that one attempt may take, or leave it out",
                                  .operation = "subscribe"}));
    if (auto valid = tracing_.validate(); !valid) throw config_error(std::move(valid).error());
    metrics* const into = of_service.figures();
    if (!into) return;
    const auto refused = [&](bool has, std::string_view by) {
        return has ? into->counter_of(metric::attempts_refused, {group_, handler_, by}) : counter();
    };
    refused_by_breaker_ = refused(breaker_ != nullptr, "breaker");
    refused_by_rate_ = refused(rate_ != nullptr, "rate");
    refused_by_bulkhead_ = refused(bulkhead_ != nullptr, "bulkhead");
    if (deadline_ > duration::zero())
        too_late_ = into->counter_of(metric::deadline_exceeded, {group_, handler_});
}

std::size_t attempt_chain::room(bool can_wait) const noexcept {
    constexpr auto any = std::numeric_limits<std::size_t>::max();
    if (!bulkhead_) return any;
    const auto [inside, queue] = std::pair(bulkhead_->settings().at_once, bulkhead_->settings().waiting);
    if (!can_wait) return inside;
    return queue > any - inside ? any : inside + queue;
}

// A token is taken, or the next one reserved: so those who share a rate limit get theirs in turn.
std::optional<steady_time> attempt_chain::hold(steady_time now, std::size_t probing) {
    if (breaker_)
        if (const auto until = breaker_->not_before(now, probing)) return until;
    if (!rate_ || token_in_hand_) return std::nullopt;
    if (!reserved_ && rate_->take(now)) {
        token_in_hand_ = true;
        return std::nullopt;
    }
    if (!reserved_) reserved_ = std::max(rate_->reserve(now), now + rate_->pause());
    if (now < *reserved_) return reserved_;
    reserved_.reset();
    token_in_hand_ = true;
    return std::nullopt;
}

attempt::entry attempt::enter(const scheduler& clock, scheduler* home, bool is_paid_for) {
    const steady_time now = clock.steady_now();
    if (chain_.rate_ && !is_paid_for && !chain_.rate_->take(now))
        return refuse(chain_.refused_by_rate_, std::max(chain_.rate_->next(now), now + duration(1)));
    if (chain_.bulkhead_ && !chain_.bulkhead_->try_enter()) {
        not_before_ = now + place_pause;
        return entry::waits;
    }
    return pass_breaker(now, clock, home);
}

attempt::entry attempt::entered_bulkhead(bool has_place, const scheduler& clock, scheduler* home) {
    const steady_time now = clock.steady_now();
    if (!has_place) return refuse(chain_.refused_by_bulkhead_, now + place_pause);
    return pass_breaker(now, clock, home);
}

attempt::entry attempt::pass_breaker(steady_time now, const scheduler& clock, scheduler* home) {
    if (chain_.breaker_) {
        const auto period = chain_.breaker_->enter(now, not_before_);
        if (!period) {
            if (chain_.bulkhead_) chain_.bulkhead_->leave();
            return refuse(chain_.refused_by_breaker_, not_before_);
        }
        period_ = *period;
    }
    began_ = now;
    clock_ = &clock;
    if (limit_) limit_->begin(now, home);
    if (chain_.tracing_.sink)
        span_ = begin_span(of_.its_headers(),
                           {.topic = of_.topic,
                            .group = chain_.group_,
                            .partition = of_.where.value,
                            .offset = of_.source->offset,
                            .attempt = number_},
                           chain_.tracing_.sample);
    return entry::entered;
}

attempt::entry attempt::refuse(const counter& by, steady_time until) noexcept {
    by.add();
    not_before_ = until;
    return entry::refused;
}

outcome attempt::leave(outcome what, const scheduler& clock) noexcept {
    const steady_time now = clock.steady_now();
    if (limit_ && limit_->end(now)) what = too_late(std::move(what));
    if (chain_.breaker_) chain_.breaker_->leave(period_, what, now);
    if (chain_.bulkhead_) chain_.bulkhead_->leave();
    if (span_ && span_->context.sampled) report(what, clock);
    return what;
}

// Nobody can tell a handler that stopped because it was asked to from one that finished: it is tried again.
outcome attempt::too_late(outcome what) const {
    chain_.too_late_.add();
    if (what == verdict::dead_letter || what == verdict::stop) return what;
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(chain_.deadline_).count();
    error_details d{.message = "the attempt took longer than deadline of subscription \"" + chain_.handler_ +
                               "\", " + std::to_string(limit) + " ms",
                    .operation = "handle",
                    .topic = std::string(of_.topic),
                    .partition = of_.where.value,
                    .offset = of_.source->offset};
    if (what.why()) return retry(caused_by(errc::deadline_exceeded, std::move(d), *what.why()));
    return retry(error(errc::deadline_exceeded, std::move(d)));
}

void attempt::report(const outcome& what, const scheduler& clock) const noexcept {
    const duration took = clock.steady_now() - began_;
    chain_.tracing_.sink->ended(
        {.context = span_->context,
         .parent = span_->parent,
         .topic = of_.topic,
         .group = chain_.group_,
         .handler = chain_.handler_,
         .partition = of_.where.value,
         .offset = of_.source->offset,
         .attempt = number_,
         .began = clock.wall_now() - std::chrono::duration_cast<std::chrono::milliseconds>(took),
         .took = took,
         .how = what.kind(),
         .why = what.why() ? &*what.why() : nullptr});
}

const stop_token* attempt::stop() const noexcept {
    if (!limit_) return nullptr;
    limit_->look(clock_->steady_now());
    return &limit_->token();
}

} // namespace corvid

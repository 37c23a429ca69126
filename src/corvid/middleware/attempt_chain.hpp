// SPDX-License-Identifier: Apache-2.0
//
// attempt_chain: what stands around each attempt of one subscription, made once, at its start:
//
//   tracing → rate limit → bulkhead → circuit breaker → deadline → the user's middleware → handler
//
// attempt: one record's way through it. What is refused never reaches the handler: it is no attempt, and it
// costs none; the record stays where it was, and the chain says when to come again. A subscription without
// any of it has no chain.
//
// The loop of the group asks hold() before it begins anything, so that what would be refused is not begun;
// the attempts themselves may be on any threads.
#pragma once

#include <corvid/middleware/deadline.hpp>
#include <corvid/middleware/dependencies.hpp>
#include <corvid/middleware/middleware.hpp>
#include <corvid/middleware/tracing.hpp>

#include <optional>
#include <string>
#include <vector>

namespace corvid {

/// What a subscription's options say about it.
struct chain_settings {
    breaker_settings breaker = {};
    rate_settings rate = {};
    bulkhead_settings bulkhead = {};
    duration deadline{0}; ///< of one attempt; 0: none
    tracing_settings tracing = {};
    std::vector<corvid::middleware> middleware = {};

    [[nodiscard]] bool is_set() const noexcept;
};

class attempt_chain {
public:
    /// For `handler` of `group`. Throws config_error.
    attempt_chain(chain_settings settings, dependencies& of_service, std::string handler, std::string group);

    // The group's loop only.

    /// None: a run may begin, and its first record is paid for; else when to ask again. `probing`: runs at
    /// work that were begun while the breaker was not closed.
    [[nodiscard]] std::optional<steady_time> hold(steady_time now, std::size_t probing);
    /// A run begins that hold() agreed to; true if its first record is paid for.
    [[nodiscard]] bool begin_run() noexcept { return std::exchange(token_in_hand_, false); }
    /// The breaker waits for what the next attempts will say.
    [[nodiscard]] bool is_probing() const noexcept { return breaker_ && !breaker_->is_closed(); }

    /// How many runs at once are of use.
    [[nodiscard]] std::size_t room(bool can_wait) const noexcept;

    [[nodiscard]] duration deadline() const noexcept { return deadline_; }
    [[nodiscard]] const std::vector<corvid::middleware>& list() const noexcept { return list_; }
    [[nodiscard]] corvid::bulkhead* bulkhead() const noexcept { return bulkhead_.get(); }

private:
    friend class attempt;
    const std::string handler_, group_;
    const std::shared_ptr<circuit_breaker> breaker_;
    const std::shared_ptr<rate_limit> rate_;
    const std::shared_ptr<corvid::bulkhead> bulkhead_;
    const duration deadline_;
    const tracing_settings tracing_;
    const std::vector<corvid::middleware> list_;
    counter refused_by_breaker_, refused_by_rate_, refused_by_bulkhead_, too_late_;

    bool token_in_hand_ = false;
    std::optional<steady_time> reserved_;
};

class attempt {
public:
    /// `limit`: of the run, where the chain has a deadline.
    attempt(attempt_chain& chain, const record_origin& of, int number, corvid::deadline* limit) noexcept
        : chain_(chain), of_(of), limit_(limit), number_(number) {}
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;

    enum class entry : std::uint8_t {
        entered,
        waits,  ///< for a place in the bulkhead; then goes on with entered_bulkhead()
        refused ///< not before not_before()
    };
    /// `home`: the loop that may watch the time, where the handler lets it run.
    [[nodiscard]] entry enter(const scheduler& clock, scheduler* home, bool is_paid_for);
    [[nodiscard]] entry entered_bulkhead(bool has_place, const scheduler& clock, scheduler* home);
    [[nodiscard]] steady_time not_before() const noexcept { return not_before_; }

    /// The handler has said `what` (or thrown it); answers what it comes to. Once, after it was entered.
    [[nodiscard]] outcome leave(outcome what, const scheduler& clock) noexcept;

    // While it is inside.
    /// Where the chain has a deadline: its token, asked to stop if the time is over.
    [[nodiscard]] const stop_token* stop() const noexcept;
    /// Where the chain traces.
    [[nodiscard]] const std::optional<begun_span>& traced() const noexcept { return span_; }

private:
    [[nodiscard]] entry pass_breaker(steady_time now, const scheduler& clock, scheduler* home);
    [[nodiscard]] entry refuse(const counter& by, steady_time until) noexcept;
    [[nodiscard]] outcome too_late(outcome what) const;
    void report(const outcome& what, const scheduler& clock) const noexcept;

    attempt_chain& chain_;
    const record_origin& of_;
    corvid::deadline* limit_;
    int number_;
    std::uint64_t period_ = 0;
    steady_time began_{}, not_before_{};
    const scheduler* clock_ = nullptr;
    std::optional<begun_span> span_;
};

} // namespace corvid

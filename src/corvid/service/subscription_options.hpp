// SPDX-License-Identifier: Apache-2.0
//
// What can be said of a subscription where it is named: of on(), fan_out(), route() and stream(), and of
// on_batch(). What cannot work together is refused there or at start(), with both settings named.
#pragma once

#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/consume/subscription.hpp>
#include <corvid/inbox/exactly_once/settings.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace corvid {

struct subscription_options {
    std::string group = {};               ///< instead of the derived one
    std::vector<std::string> topics = {}; ///< where these or a pattern are given: not the message's own
    std::string pattern = {};             ///< a regular expression over whole names, of more topics …
    /// … which reads nothing that its group writes: dead letters, parked, retry topics. Topics that the
    /// patterns of two subscriptions of a group match are read by neither, and readiness says so.
    corvid::order order = by_key;
    lane_key key = {}; ///< with by_key: instead of the record's own
    /// Keys (by_partition: partitions) that are worked on at once. 1: never two threads in the handler.
    /// At most intake.runnable_records, of which it needs about twice as many to be kept busy.
    std::size_t concurrency = 256;
    exponential retry = {}; ///< while it waits its key waits, and no other
    /// Delays that rise, in whole milliseconds: tried again after `retry`, without its key waiting …
    std::vector<duration> retry_topics = {};
    bool gives_up_order = false; ///< … which by_key and by_partition must say they give up
    /// Also when the attempts are used up. park_key needs two topics more: parked_keys::create_topics().
    when_rejected rejected = when_rejected::dead_letters;
    /// What a handler's error means; none: what the handler said.
    std::function<std::optional<error_kind>(const error&)> classify = {};
    // Around each attempt of the handler, in this order; what is not named is not there
    // (middleware/settings.hpp).
    tracing_settings tracing = {};
    rate_settings rate = {};
    bulkhead_settings bulkhead = {};
    breaker_settings breaker = {};
    duration deadline{0}; ///< of one attempt, which is asked to stop then, and is tried again; 0: none
    std::vector<corvid::middleware> middleware = {}; ///< the first is outermost
    intake_settings intake = {};
    ledger_settings window = {};
    commit_mode commit = commit_mode::when_done; ///< by_hand: for stream() alone, else refused
    std::optional<batch_limits> batch = {};      ///< of on_batch() alone, else refused
    /// `corvid::in(database)`: the handler takes a unit_of_work (inbox/exactly_once/settings.hpp).
    std::optional<exactly_once_settings> exactly_once = {};
};

/// Of on_batch(): those of on() that it shares mean the same.
struct batch_options {
    std::size_t max = 500;                            ///< records in a batch
    duration within = std::chrono::milliseconds(200); ///< what is there goes, full or not
    std::size_t bytes = std::size_t{16} << 20;        ///< the record that reaches it closes the batch
    when_batch_fails failed = when_batch_fails::again;
    std::size_t concurrency = 1; ///< batches at once; above 1: on several threads
    std::string group = {};
    std::vector<std::string> topics = {};
    std::string pattern = {};
    corvid::order order = by_key;
    lane_key key = {};
    exponential retry = {};
    std::vector<duration> retry_topics = {};
    bool gives_up_order = false;
    when_rejected rejected = when_rejected::dead_letters;
    std::function<std::optional<error_kind>(const error&)> classify = {};
    intake_settings intake = {};
    ledger_settings window = {};
    /// The handler takes a unit_of_work behind its context (exactly_once/unit_batch_handler.hpp).
    std::optional<exactly_once_settings> exactly_once = {};

    [[nodiscard]] subscription_options as_subscription() &&;
};

namespace detail {

/// Throw config_error where an option is set that only another way to subscribe takes.
void check_of_handler(const std::string& name, const subscription_options& options);
void check_of_stream(const std::string& name, const subscription_options& options);

/// What the group's loop takes of them; without a handler, and without what stands around it. `topic` is the
/// handler's own, where they name none.
[[nodiscard]] subscription subscription_of(const std::string& name, std::string_view topic,
                                           const subscription_options& options);

} // namespace detail

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// subscription: what a group reads, who handles it, in which order, and what becomes of what fails; and the
// settings of the group's one client.
#pragma once

#include <corvid/broker/record_source.hpp>
#include <corvid/consume/handler.hpp>
#include <corvid/consume/progress_watch.hpp>
#include <corvid/lanes/crash_guard.hpp>
#include <corvid/lanes/failure_policy.hpp>
#include <corvid/lanes/intake_gate.hpp>
#include <corvid/lanes/offset_ledger.hpp>
#include <corvid/model/topic_name.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corvid {

class attempt_chain;
class completion_stage;
class publisher;
class worker_pool;

/// Who moves the offset: corvid behind every record that is done, or the reader's commit_up_to().
enum class commit_mode : std::uint8_t { when_done, by_hand };

using failure_settings = failure_policy::settings;
using when_rejected = failure_policy::when_rejected;

/// What orders a record instead of its own key, over all partitions that this member has; none: nothing but
/// or one that throws: nothing but its partition does. Called on the loop, for each record that waits, and
/// for all while anything waits.
using lane_key = std::function<std::optional<std::string>(const record_origin&)>;

/// How runs are put together for a handler of batches. A batch is full at `max` records, or with the one that
/// reaches `bytes`, as they are held; what is there goes `within` that time after the first could.
struct batch_limits {
    std::size_t max = 500;
    duration within = std::chrono::milliseconds(200);
    std::size_t bytes = std::size_t{16} << 20;
};

struct subscription {
    std::string name = {}; ///< of the handler, for logs and metrics
    std::vector<topic_name> topics = {};
    /// Of more topics (model/topic_pattern.hpp); empty: none. It reads no topic that its own group writes:
    /// `….{group}.dlq`, `.parked`, `.parked-keys`, `.retry.…`, nor what others derive from those.
    std::string pattern = {};
    corvid::order order = by_key;
    lane_key key = {}; ///< with by_key: instead of the record's own
    /// Runs (with `batch`: batches) at work at once; 1: never two threads in the handler.
    std::size_t concurrency = 256;
    failure_settings failure = {};
    intake_settings intake = {};
    ledger_settings window = {};
    std::optional<batch_limits> batch = {}; ///< the handler gets batches of runs
    commit_mode commit = commit_mode::when_done;
    std::shared_ptr<attempt_chain> chain = {}; ///< around each attempt; null: nothing is
    /// What a record waits for beyond what it published; its handlers hand in. Null: nothing.
    std::shared_ptr<completion_stage> completes = {};
    std::unique_ptr<handler> handle = {};
};

struct group_settings {
    broker::source_settings source = {}; ///< group and client; topics are those of the subscriptions
    std::chrono::milliseconds commit_every{1'000};
    std::chrono::milliseconds rebalance_drain{
        20'000};                                   ///< for handlers at work, before a partition is given back
    std::chrono::milliseconds reopen_first{1'000}; ///< back-off of a client that broke for good, doubling …
    std::chrono::milliseconds reopen_most{30'000}; ///< … up to this
    watch_settings watch = {};                     ///< when the watchdog speaks
    std::uint64_t seed = 1;                        ///< of jitter
    publisher* producer = nullptr;                 ///< of dead letters; outlives the loop
    worker_pool* workers = nullptr; ///< of handlers; outlives the loop. None: all run on the loop
    crash_settings crashes = {};    ///< without effect on subscriptions that commit by hand
    std::string service = "corvid"; ///< for the headers of dead letters
};

/// errc::group_conflict, with both names, if two subscriptions of one group read the same topic. What two of
/// their patterns match is found when it is there: its partitions then stop, and say so.
[[nodiscard]] result<void> check_disjoint(const std::string& group,
                                          const std::vector<subscription>& subscriptions);

/// errc::invalid_setting or conflicting_settings, naming what is wrong.
[[nodiscard]] result<void> validate(const group_settings& settings);
[[nodiscard]] result<void> validate(const subscription& one, const group_settings& within);

} // namespace corvid

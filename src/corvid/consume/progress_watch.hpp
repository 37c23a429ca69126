// SPDX-License-Identifier: Apache-2.0
//
// progress_watch: answers "why do I not get on?" for a group: the record that has been with its handler for
// longest, partitions that stand still, or whose log cannot be read on, the key that most records wait for,
// the key that fails again and again, and partitions of which nothing is taken. Plain decisions: sights in at
// every tick, findings out.
//
// A healthy group, a live loop and a small lag of the whole hide a partition that stands still, so each is
// judged by itself (racecar #308): it stands still if records are there and none gets done. One key that
// holds the frontier while others get on is a key in trouble, and no partition that stands still. A finding
// names partition and offset, never a key: keys may be personal.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/lanes/intake_gate.hpp>
#include <corvid/model/position.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

struct watch_settings {
    std::chrono::milliseconds slow_after{30'000};  ///< a record that is so long with its handler is named
    std::chrono::milliseconds stuck_after{60'000}; ///< a partition with records that stands so long is stuck
    std::chrono::milliseconds stopped_after{
        10'000};                         ///< back-pressure for so long is told; other stops at once
    std::size_t hot_key_records = 1'000; ///< waiting for one key, and at least half of all: the key is hot
    int poison_attempts = 3;             ///< a key whose record has failed so often is told
    int unreadable_attempts = 3;         ///< an offset that could not be read so often is told

    /// errc::invalid_setting, naming the member: each is above zero.
    [[nodiscard]] result<void> validate() const;
};

/// The client could not read on from there, so many times in a row: a batch of the log is broken.
struct unread_sight {
    offset from;
    int times = 0;
    std::string why = {};
};

/// A partition as its loop sees it at a tick.
struct partition_sight {
    topic_partition where;
    offset frontier;                         ///< the first offset that is not done
    std::int64_t settled = 0;                ///< rises with every record that is done
    std::int64_t taken = 0;                  ///< rises with every record that is taken in
    std::optional<std::int64_t> behind = {}; ///< from the frontier to the end of the log; none: unknown
    intake_stop intake = intake_stop::open;
    std::optional<unread_sight> unread = {};
    duration patience{}; ///< its records wait for so long on purpose: the delay of a retry topic
};

/// A record that something hangs on.
struct record_sight {
    topic_partition where;
    offset which;
};

/// What a subscription's handler and lanes look like at a tick.
struct handler_sight {
    struct at_work : record_sight {
        steady_time since; ///< when it was first seen with its handler
    };
    struct lane : record_sight { ///< its first record
        std::size_t records;
    };
    struct failure : record_sight {
        int attempts; ///< that failed
        std::string why;
    };
    struct sending : record_sight {
        bool elsewhere;       ///< the record goes to another topic; else what it published is awaited
        int failures = 0;     ///< of its transfer
        std::string why = {}; ///< the last of them
    };
    std::string handler;
    std::size_t records = 0;             ///< in all lanes
    std::optional<at_work> oldest = {};  ///< with its handler for longest
    std::optional<lane> longest = {};    ///< the lane of a key with most records
    std::optional<failure> failing = {}; ///< in back-off after most attempts
    std::vector<sending> sent = {};      ///< of each partition the first that no handler is at any more
};

class progress_watch {
public:
    enum class kind : std::uint8_t {
        slow_record,
        stuck_partition,
        unreadable,
        hot_key,
        poison_key,
        intake_stopped
    };

    struct finding {
        kind what;
        topic_partition where;
        std::string sentence;
    };

    explicit progress_watch(const watch_settings& settings) noexcept : settings_(settings) {}

    /// What `now` shows: all partitions and handlers of the group.
    void look(steady_time now, const std::vector<partition_sight>& partitions,
              const std::vector<handler_sight>& handlers);

    [[nodiscard]] const std::vector<finding>& findings() const noexcept { return findings_; }
    /// The last look found something else, or elsewhere, than the one before.
    [[nodiscard]] bool has_changed() const noexcept { return changed_; }
    [[nodiscard]] bool has(kind what) const noexcept;
    /// The findings' sentences; empty: everything gets on.
    [[nodiscard]] std::string told() const;
    /// For how long the partition has had records and done none; zero: it gets on.
    [[nodiscard]] duration standing(const topic_partition& where) const noexcept;

private:
    struct track {
        std::int64_t settled;
        steady_time moved; // or had nothing to do
        std::int64_t taken;
        steady_time open_at; // last seen open, or with more taken
        duration standing{};
    };
    void follow(steady_time now, const partition_sight& one, track& so_far);
    void judge(const partition_sight& one, const track& so_far, steady_time now,
               const std::vector<handler_sight>& handlers);
    void judge(const handler_sight& one, steady_time now);
    void found(kind what, const topic_partition& where, std::string sentence);

    watch_settings settings_;
    std::map<topic_partition, track> tracks_;
    std::vector<finding> findings_;
    bool changed_ = false;
};

[[nodiscard]] std::string_view to_string(progress_watch::kind what) noexcept;

/// Whether a member must leave its group: its oldest record has been with its handler for `limit`
/// (kafka.max_poll_interval), which other clients leave for too; no broker notices, since the loop polls on.
[[nodiscard]] const handler_sight* find_stuck(const std::vector<handler_sight>& handlers, steady_time now,
                                              duration limit) noexcept;

} // namespace corvid

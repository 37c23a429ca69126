// SPDX-License-Identifier: Apache-2.0
//
// record_source: one member of a consumer group, as its loop sees it. The seam below consume/; kafka/ and
// memory/ implement it.
//
// Everything is called on, and answered on, the loop that the source was opened with. Nothing blocks.
// Rebalances are events that the loop takes in its own time, so that none interleaves with a batch and a
// revoke can be held while work drains:
//
//   assigned ──accept()──▶ records flow by take() ──▶ revoked ──drain, commit, release()──▶ …
//   close() ──▶ revoked (if anything was assigned) ──release()──▶ closed
//
// There is no pause, resume or seek: back-pressure is a partition that take() is not called for.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/model/record.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace corvid::broker {

/// A small number for an assigned partition, unique among those assigned now; it is used anew after release.
enum class slot : std::uint32_t {};

struct assigned_partition {
    slot id;
    topic_partition where;
};

/// The group gave this member these partitions, beside what it has already. Answer: accept().
struct assigned {
    std::vector<assigned_partition> partitions;
};

/// The group takes these partitions back. Until release() no other member gets them, unless they are already
/// lost: then another may own them, and nothing may be committed for them. Answer: release().
struct revoked {
    std::vector<assigned_partition> partitions;
    bool lost = false;
};

/// Something went wrong that no record carries. Retriable ones pass by themselves; a fatal one ends the
/// source, and the owner opens another. One that names an offset: the log cannot be read on from there.
struct source_error {
    error why;
};

/// The answer to close(): the group is left. Nothing follows.
struct closed {};

using source_event = std::variant<assigned, revoked, source_error, closed>;

/// Where to start an accepted partition: at `at`, or, where none is given, at the group's committed offset
/// and, where there is none, by the offset reset of the settings.
struct start_at {
    slot id;
    std::optional<offset> at = {};
};

/// How far a partition is, for lag: the position behind the last record taken (markers and gaps included
/// where nothing waits), and the end of the log as far as it is known. Unknown is none, never a number.
struct partition_progress {
    std::optional<offset> position;
    std::optional<offset> end;
};

enum class offset_reset : std::uint8_t { earliest, latest, error };
enum class isolation : std::uint8_t { read_committed, read_uncommitted };

struct source_settings {
    std::string group = {};
    std::vector<topic_name> topics = {};
    std::string pattern = {}; ///< of more topics (model/topic_pattern.hpp); empty: none
    std::string except =
        {}; ///< what the pattern does not read, a pattern too; `topics` are read all the same
    std::string client_id = "corvid";
    std::string instance_id = {}; ///< static membership; empty: dynamic
    offset_reset reset = offset_reset::earliest;
    corvid::broker::isolation isolation = corvid::broker::isolation::read_committed;
    std::string assignor = "range";
    std::chrono::milliseconds session_timeout{45'000};
    std::chrono::milliseconds max_poll_interval{300'000};
    std::uint32_t prefetch_records = 100'000;           ///< fetching of a partition rests while so many wait
    std::uint32_t prefetch_kbytes = 16'384;             ///< … or so much
    std::map<std::string, std::string> properties = {}; ///< librdkafka's, by name; win (kafka/cluster.hpp)
};

/// Called on the loop.
class source_listener {
public:
    /// An event or records may wait. Edge-triggered: it comes again only after next_event() and take() have
    /// answered that nothing is there, so the loop takes until then, or remembers what it left.
    virtual void ready() noexcept = 0;

protected:
    ~source_listener() = default;
};

class record_source {
public:
    virtual ~record_source() = default;

    [[nodiscard]] virtual std::optional<source_event> next_event() = 0;
    virtual void accept(std::span<const start_at> partitions) = 0;
    virtual void release() = 0;

    /// At most `most` records of one partition, in order; an empty batch if none waits (or the slot was
    /// released).
    [[nodiscard]] virtual record_batch take(slot from, std::size_t most) = 0;

    [[nodiscard]] virtual partition_progress progress(slot of) const = 0;

    /// Starts to leave the group; `closed` follows. Idempotent.
    virtual void close() = 0;
};

} // namespace corvid::broker

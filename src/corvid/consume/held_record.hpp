// SPDX-License-Identifier: Apache-2.0
//
// held_record: a record that must wait (for a handler that may suspend, in back-off, behind its key, for its
// dead letter) as the engine keeps it: a copy, one block with its key, value and headers. So nothing but the
// run that is at work inline looks into a fetch batch, none is ever pinned, and what waits weighs no more
// than the budgets of intake_gate say.
//
// Made and freed on the group's loop; while a handler is at it, only that reads it.
#pragma once

#include <corvid/lanes/lane_record.hpp>
#include <corvid/lanes/retry_schedule.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/model/record.hpp>

#include <memory>

namespace corvid {

struct tenancy;
class publish_tally;

class held_record;

/// What only a record that failed, or comes from a retry topic, has. It stands in the schedule while the
/// record is in back-off.
struct record_failure final : schedule_entry {
    explicit record_failure(held_record* r) noexcept : of(r) {}
    held_record* const of;
    std::optional<error> why;     ///< the last failure
    wall_time first_at{};         ///< when it failed first
    duration delay{};             ///< of the retry topic
    std::optional<error> unmoved; ///< the last transfer that failed
    int transfers = 0;            ///< that failed
    bool was_too_large = false;   ///< with the texts of its failure: it goes without them
};

// Every line of it counts: a few thousand are held at once, and leave the cache between one look and the
// next.
class held_record final : public lane_record {
public:
    struct deleter {
        void operator()(held_record* r) const noexcept;
    };
    using owner = std::unique_ptr<held_record, deleter>;

    /// `lane_key`: what orders it beside others, where that is not its own key; null for its own.
    [[nodiscard]] static owner copy(const record& from, const header_list& its_headers,
                                    const optional_bytes* lane_key = nullptr);

    [[nodiscard]] const record& what() const noexcept { return what_; }
    [[nodiscard]] const header_list& its_headers() const noexcept { return headers_; }
    [[nodiscard]] held_record* following() const noexcept {
        return static_cast<held_record*>(lane_record::next());
    }

    /// No handler is at it: it waits for the acknowledgement of what was published for it, or goes elsewhere.
    [[nodiscard]] bool is_sent() const noexcept { return waits || goes != destination::none; }
    [[nodiscard]] int all_attempts() const noexcept { return attempts_before + attempt; }

    /// An empty one while it has none.
    [[nodiscard]] const record_failure& failure() const noexcept;
    /// Made where it has none.
    [[nodiscard]] record_failure& note_failure();
    /// Out of back-off; nothing if it is in none.
    void cancel(retry_schedule& in) noexcept {
        if (failure_) in.cancel(*failure_);
    }

    tenancy* of = nullptr; ///< the assignment that it came with
    /// It was handled, and waits for what was published for it; set by the handler, then the loop's.
    publish_tally* open = nullptr;
    /// What was published for it in an attempt that failed, by handlers that are not called again.
    publish_tally* kept = nullptr;
    std::uint64_t memo = 0;  ///< the handler's own, from one attempt to the next
    int attempt = 1;         ///< of the handler since it was delivered, the next or the present one
    int attempts_before = 0; ///< before it came through a retry topic
    /// dead_key: what is written of its key, before it goes to the dead letters.
    enum class destination : std::uint8_t { none, dead_letters, retry_topic, dead_key, parked };
    /// Other than none: it is on its way to another topic, and no handler runs it again here.
    destination goes = destination::none;
    bool is_released = false; ///< until it is done: it comes from the parked topic, with its source's offset
    bool waits = false;       ///< for what is open: the loop knows, and no handler is at it any more
    bool unpublished = false; ///< some of it failed: it is decided upon
    bool judged = false;      ///< behind an open one: decided upon when that has left
    verdict said = verdict::retry; ///< of what failed, or by its handler

private:
    held_record() = default;
    ~held_record() = default;
    record what_;
    header_list headers_;
    std::unique_ptr<record_failure> failure_;
    std::size_t block_ = 0;
};

/// The same for records of one lane, and a number of its own for each that is ordered by nothing. Two lanes
/// may share one, but hardly ever do.
[[nodiscard]] std::uint64_t lane_number(const lane_record& what, order how) noexcept;

} // namespace corvid

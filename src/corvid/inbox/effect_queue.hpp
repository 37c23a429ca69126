// SPDX-License-Identifier: Apache-2.0
//
// effect_queue: which effects go into the next transaction, and what is done with those that were refused.
// Pure: what came, what became of it and the time come in. Holds the effects.
//
// A lane keeps its order whatever happens. One of its effects that failed for a reason that may pass is tried
// again alone after a pause, the others of its lane behind it; after `retry.limit` times, or for any other
// reason, it is given back with its error and closes its lane: what the queue has of that lane and what still
// comes is given back too (errc::effect_held), until reopen(). When the database itself is in trouble all
// wait, for as long as it takes, and go in ever smaller transactions: if one record is what brings the
// sessions down, it is found, and counts as one that failed.
#pragma once

#include <corvid/inbox/write_effects.hpp>

#include <deque>
#include <unordered_map>

namespace corvid::inbox_detail {

class effect_queue {
public:
    explicit effect_queue(const writer_settings& settings)
        : settings_(settings), limit_(settings.max_records) {}

    void add(effect what, steady_time now);
    /// Nobody is waited for: what is here goes as soon as it can.
    void flush() noexcept { flushed_ = !waiting_.empty(); }
    void reopen(std::uint64_t lane);

    /// The effects of the next transaction; empty while one is under way or it is not time. They belong to
    /// the caller until written().
    [[nodiscard]] std::vector<effect> take(steady_time now);
    /// When take() may have something to give, if nothing else happens before.
    [[nodiscard]] std::optional<steady_time> due(steady_time now) const;
    /// What became of them, in their order.
    void written(std::vector<effect> batch, write_report report, steady_time now, double random01);

    /// Those that are done with since the last call.
    [[nodiscard]] std::vector<settled> take_settled() { return std::exchange(settled_, {}); }
    /// Gives back all that is here, with `why`.
    void give_up(const error& why);

    /// Of a lane: neither queued nor under way.
    [[nodiscard]] bool has(std::uint64_t lane) const;
    [[nodiscard]] bool closed(std::uint64_t lane) const;
    /// Since when the first of those that are not written has been here.
    [[nodiscard]] std::optional<steady_time> oldest() const;
    /// That wait; those under way are not counted.
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    [[nodiscard]] bool busy() const noexcept { return !under_way_.empty(); }

private:
    struct entry {
        effect what;
        steady_time since;
    };
    struct lane_trouble {
        bool closed = false;
        steady_time rests_until{};
    };
    [[nodiscard]] bool rests(std::uint64_t lane, steady_time now) const;
    [[nodiscard]] bool full() const noexcept {
        return waiting_.size() >= limit_ || bytes_ >= settings_.max_bytes;
    }
    [[nodiscard]] std::vector<effect> take_batch(steady_time now);
    void settle(const effect& what, result<processing> outcome);
    bool failed_alone(effect& what, steady_time now, double random01);
    void put_back(std::vector<effect> batch, steady_time now);
    void note_trouble(bool trouble, steady_time now, double random01);

    writer_settings settings_;
    std::deque<entry> waiting_;
    std::size_t bytes_ = 0;
    bool flushed_ = false;
    std::unordered_map<std::uint64_t, std::size_t> under_way_; // lane -> effects
    steady_time under_way_since_{};                            // the first of them came
    std::unordered_map<std::uint64_t, lane_trouble> troubled_;
    std::vector<settled> settled_;
    std::size_t limit_;
    int failures_ = 0; // of the database, in a row
    steady_time not_before_{};
};

} // namespace corvid::inbox_detail

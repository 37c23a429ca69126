// SPDX-License-Identifier: Apache-2.0
//
// offset_run: which records of a partition go into the next transaction under the mark by offset. Pure: what
// is recorded, what is completed, what became of a transaction and the time come in. Holds the effects.
//
// A transaction covers a run [first, last) without a gap: every record in it is completed, with an effect
// here or without one (skipped, dead-lettered, never there). A record that the database refused is found by
// cutting the run, told once, and holds the partition until it is added again or dropped.
#pragma once

#include <corvid/inbox/effect.hpp>

#include <map>
#include <set>

namespace corvid {

struct offset_effect {
    std::uint64_t tag = 0; ///< yours: comes back in `settled`
    std::int64_t offset = 0;
    unit_of_work unit = {};
};

namespace inbox_detail {

class offset_run {
public:
    /// Effects below `next` are in the database.
    offset_run(const writer_settings& settings, std::int64_t next)
        : settings_(settings), limit_(settings.max_records), next_(next), completed_(next) {}

    /// One below `next` is settled as already processed; one again takes the place of what was refused.
    void add(offset_effect what);
    /// A refused one has been dealt with in another way: it counts as completed without effect.
    void drop(std::int64_t offset);
    /// All records below `offset` are completed.
    void complete(std::int64_t offset, steady_time now);
    void flush() noexcept { flushed_ = true; }

    struct range {
        std::int64_t first, last;
        std::vector<offset_effect*> effects; ///< in order; valid until the next call of this object
    };
    /// The next transaction; none while one is under way or it is not time.
    [[nodiscard]] std::optional<range> take(steady_time now);
    /// When take() gives something, if nothing else happens before; of several partitions the earliest has
    /// waited longest.
    [[nodiscard]] std::optional<steady_time> due() const;

    // What became of what take() gave:
    void committed(steady_time now);
    /// Refused, by a statement of its effect number `culprit` where that is known.
    void refused(std::optional<std::size_t> culprit, const error& why, steady_time now, double random01);
    /// The database could not do it now; `sent`: when statements of records had been sent.
    void trouble(const error& why, bool sent, steady_time now, double random01);

    [[nodiscard]] std::vector<settled> take_settled() { return std::exchange(settled_, {}); }
    void give_up(const error& why);

    [[nodiscard]] std::int64_t next() const noexcept { return next_; }
    [[nodiscard]] std::size_t size() const noexcept { return effects_.size(); }
    [[nodiscard]] bool busy() const noexcept { return taken_.has_value(); }
    [[nodiscard]] bool held() const noexcept { return held_.has_value(); }

private:
    [[nodiscard]] std::int64_t end() const noexcept {
        return held_ ? std::min(completed_, *held_) : completed_;
    }
    [[nodiscard]] bool full() const noexcept {
        return effects_.size() >= limit_ || bytes_ >= settings_.max_bytes;
    }
    void guilty(const error& why, steady_time now, double random01);
    void cut(std::size_t index);
    void remove(std::map<std::int64_t, offset_effect>::iterator which);

    writer_settings settings_;
    std::size_t limit_;
    std::int64_t next_;
    std::int64_t completed_;
    steady_time since_{}; // when something became completed that is not written
    bool flushed_ = false;
    std::map<std::int64_t, offset_effect> effects_;
    std::size_t bytes_ = 0;
    std::set<std::int64_t> cuts_; // no run crosses them
    std::optional<std::int64_t> held_;
    std::optional<range> taken_;
    std::vector<settled> settled_;
    int attempts_ = 0; // of the record that is tried alone
    int failures_ = 0; // of the database, in a row
    steady_time not_before_{};
};

} // namespace inbox_detail
} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// offset_run: which records of a partition go into the next transaction under the mark by offset. Pure: what
// is recorded, what is completed, what became of a transaction and the time come in. Holds the effects.
//
// A transaction covers a run [first, last) without a gap: every record in it is completed, with an effect
// here or without one (skipped, dead-lettered, never there). A record that the database refused is found by
// cutting the run, told once, and holds the partition until it is added again or dropped. Every effect that
// was added is told once.
#pragma once

#include <corvid/inbox/effect.hpp>
#include <corvid/lanes/offset_ledger.hpp>

#include <limits>
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
        : settings_(settings),
          limit_(settings.max_records),
          next_(next),
          completed_(next),
          handed_in_({.max_uncommitted = std::int64_t{1} << 40}) {
        handed_in_.assign(epoch{1}, offset(next));
    }

    /// One below `next` is settled as already processed; one again takes the place of the one before, which
    /// is given back (effect_held).
    void add(offset_effect what);
    /// A refused one has been dealt with in another way: it counts as completed without effect.
    void drop(std::int64_t offset);
    /// All records below `offset` are completed.
    void complete(std::int64_t offset, steady_time now);
    void flush() noexcept { flushed_ = true; }

    // Or, instead of complete():
    /// Each record of [first, last) will be handed in; what lies between those before and `first` is no
    /// record.
    void expect(std::int64_t first, std::int64_t last);
    /// add(), and the record is completed.
    void hand_in(offset_effect what, steady_time now);
    /// It will be handed in once more, and is not written before: what is here of it is given back.
    void take_back(std::int64_t offset);
    /// Nothing from `offset` on is written any more, but for what is under way: it is given back, now and
    /// whenever it comes.
    void cut_from(std::int64_t offset);

    struct range {
        std::int64_t first, last;
        std::vector<offset_effect*> effects; ///< in order; valid until the next call of this object
    };
    /// The next transaction; none while one is under way or it is not time.
    [[nodiscard]] std::optional<range> take(steady_time now);
    /// When take() gives something, if nothing else happens before; of several partitions the earliest has
    /// waited longest.
    [[nodiscard]] std::optional<steady_time> due() const;

    /// Nothing is before the record but what is written, or is no record.
    [[nodiscard]] bool is_next(std::int64_t offset) const;
    /// Those up to `last`, which is not included, are written by their own handler: as taken.
    [[nodiscard]] bool take_alone(std::int64_t first, std::int64_t last);
    /// Of what was taken so, only what is below `last` was.
    void shorten(std::int64_t last) { taken_->last = last; }

    // What became of what take() gave:
    void committed(steady_time now);
    /// Nothing: as if it had not been taken.
    void put_back();
    /// Another owner has written all below `row`, which is above next().
    void moved_to(std::int64_t row);
    /// Refused, by a statement of its effect number `culprit` where that is known.
    void refused(std::optional<std::size_t> culprit, const error& why, steady_time now, double random01);
    /// The database could not do it now; `sent`: when statements of records had been sent.
    void trouble(const error& why, bool sent, steady_time now, double random01);

    [[nodiscard]] std::vector<settled> take_settled() { return std::exchange(settled_, {}); }

    [[nodiscard]] std::int64_t next() const noexcept { return next_; }
    [[nodiscard]] std::size_t size() const noexcept { return effects_.size(); }
    /// Since when the row has stood while effects that were handed in wait for it.
    [[nodiscard]] std::optional<steady_time> waiting_since() const noexcept {
        const bool is_known = !effects_.empty() && waiting_since_ != steady_time{};
        return is_known ? std::optional(waiting_since_) : std::nullopt;
    }
    [[nodiscard]] bool busy() const noexcept { return taken_.has_value(); }
    [[nodiscard]] bool held() const noexcept { return !awaited_.empty(); }
    [[nodiscard]] bool is_cut_at(std::int64_t offset) const noexcept { return offset >= cut_; }

private:
    [[nodiscard]] std::int64_t end() const noexcept {
        const std::int64_t last = std::min(completed_, cut_);
        return awaited_.empty() ? last : std::min(last, *awaited_.begin());
    }
    [[nodiscard]] bool is_under_way(std::int64_t offset) const noexcept {
        return taken_ && offset < taken_->last;
    }
    [[nodiscard]] bool full() const noexcept {
        return effects_.size() >= limit_ || bytes_ >= settings_.max_bytes;
    }
    void guilty(const error& why, steady_time now, double random01);
    void cut(std::size_t index);
    void remove(std::map<std::int64_t, offset_effect>::iterator which);
    void give_back(std::map<std::int64_t, offset_effect>::iterator which);
    void leave_all_below(std::int64_t next);
    void after_taken();

    writer_settings settings_;
    std::size_t limit_;
    std::int64_t next_;
    std::int64_t completed_;
    steady_time since_{}; // when something became completed that is not written
    steady_time waiting_since_{};
    bool flushed_ = false;
    std::map<std::int64_t, offset_effect> effects_;
    std::size_t bytes_ = 0;
    std::set<std::int64_t> cuts_;    // no run crosses them
    std::set<std::int64_t> awaited_; // completed once, and to be handed in again
    std::int64_t cut_ = std::numeric_limits<std::int64_t>::max();
    offset_ledger handed_in_; // of what is expected
    std::optional<range> taken_;
    std::vector<offset_effect> meanwhile_; // came for what is under way
    std::vector<settled> settled_;
    int attempts_ = 0; // of the record that is tried alone
    int failures_ = 0; // of the database, in a row
    steady_time not_before_{};
};

} // namespace inbox_detail
} // namespace corvid

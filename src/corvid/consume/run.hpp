// SPDX-License-Identifier: Apache-2.0
//
// run: consecutive records of one lane, handed to a handler together; and handler, the engine's view of user
// code.
//
// A handler takes records from the front of the run, one after the other, and says of each what became of it:
//
//   while (in.has_next()) in.complete(outcome_of(in.current()));
//   in.end();
//
// It may do so at once or later and from any one thread at a time; end() comes exactly once, last, and gives
// the run back to its loop. has_next() is false behind the last record, after an outcome that the loop must
// decide on (retry, dead_letter, stop), and when the run is asked to stop at the next record.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/base/stop.hpp>
#include <corvid/consume/held_record.hpp>
#include <corvid/message/envelope.hpp>
#include <corvid/observe/log.hpp>

#include <atomic>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

namespace corvid {

/// What a run's records have in common. Lives as long as the assignment it is of.
struct run_origin {
    topic_partition where;
    const std::string* group = nullptr;
    const logger* log = nullptr;
    stop_token stop;
};

class worker;

class run : private work {
public:
    static constexpr std::size_t most = 256;
    static constexpr std::int64_t no_bound = std::numeric_limits<std::int64_t>::max();

    /// `on_end` runs on `loop` after end().
    run(scheduler& loop, work::function on_end) noexcept : work(on_end), on_end_(on_end), loop_(loop) {}

    /// Loop only, between runs: over records of a batch, for a handler that ends before start() returns.
    void over(std::span<const record> records, const record_batch& of, const run_origin& origin) noexcept {
        beside_ = nullptr;
        held_ = nullptr;
        batch_ = &of;
        current_ = records.data();
        begin(records.size(), origin);
    }
    /// The same over `count` records that are held, from `first` on.
    void over(held_record& first, std::size_t count, const run_origin& origin) noexcept {
        beside_ = nullptr;
        held_ = &first;
        batch_ = nullptr;
        current_ = &first.what();
        begin(count, origin);
    }

    /// Over the current record of another run alone, for handlers that stand in front of others.
    void over_current_of(const run& other) noexcept {
        held_ = other.held_;
        batch_ = other.batch_;
        current_ = other.current_;
        begin(1, *other.origin_);
    }

    [[nodiscard]] bool has_next() const noexcept {
        return index() < count_ && !verdict_ && current_->offset < bound_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const record& current() const noexcept { return *current_; }
    /// The current record where it is held, and behind it the others of the run; null over a fetch batch.
    [[nodiscard]] held_record* held() const noexcept { return held_; }
    /// Whether the record at `offset`, one of the run, may be begun.
    [[nodiscard]] bool may_begin(std::int64_t offset) const noexcept {
        return offset < bound_.load(std::memory_order_relaxed);
    }
    /// The next run of the same batch (subscription::batch): the handler gets the first and ends each.
    [[nodiscard]] run* beside() const noexcept { return beside_; }
    /// Of the current record, parsed at each call; they borrow from the run.
    [[nodiscard]] header_list headers() const {
        return held_ ? held_->its_headers() : batch_->headers_of(*current_);
    }
    [[nodiscard]] const run_origin& origin() const noexcept { return *origin_; }
    /// Where the current record came from.
    [[nodiscard]] record_origin place() const noexcept {
        return {.topic = origin_->where.topic.str(),
                .where = origin_->where.partition,
                .source = current_,
                .batch = batch_,
                .own_headers = held_ ? &held_->its_headers() : nullptr};
    }
    /// Of the current record: 1 at first.
    [[nodiscard]] int attempt() const noexcept { return held_ ? held_->all_attempts() : 1; }
    /// When the current record failed first; none: it did not.
    [[nodiscard]] std::optional<wall_time> first_failed_at() const noexcept {
        return attempt() > 1 ? std::optional(held_->first_failed) : std::nullopt;
    }

    void complete(outcome what) noexcept {
        if (what == verdict::done || what == verdict::skip) [[likely]] {
            skipped_ += what == verdict::skip;
            const std::size_t n = index() + 1;
            if (n < count_) step();
            completed_.store(n, std::memory_order_release);
        } else {
            verdict_ = std::move(what);
        }
    }
    void end() noexcept;

    /// How many records, from the front, are done. Any thread.
    [[nodiscard]] std::size_t index() const noexcept { return completed_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool is_finished() const noexcept { return index() == count_; }

    // Loop only.

    /// No record from `bound` on is begun.
    void stop_before(std::int64_t bound) noexcept { bound_.store(bound, std::memory_order_relaxed); }
    void put_beside(run& another) noexcept { beside_ = &another; }
    /// Calls the handler; true if the run has ended already.
    [[nodiscard]] bool start(class handler& with) noexcept;
    /// Instead: the node that calls the handler on this worker, by way of a post.
    [[nodiscard]] work& bound_for(worker& at, class handler& with) noexcept;
    /// Once it has ended: what the loop must decide on, for the record behind those that are done.
    [[nodiscard]] const std::optional<outcome>& undecided() const noexcept { return verdict_; }
    [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }
    /// From the call of the handler to end().
    [[nodiscard]] duration took() const noexcept { return ended_at_ - began_at_; }
    [[nodiscard]] bool was_away() const noexcept { return at_ != nullptr; }

    /// Where the handler was called: 0 is the loop, then the workers.
    [[nodiscard]] std::size_t seat() const noexcept { return seat_; }

protected:
    [[nodiscard]] static run& of(work& node) noexcept { return static_cast<run&>(node); }

private:
    void begin(std::size_t count, const run_origin& origin) noexcept {
        at_ = nullptr;
        seat_ = 0;
        origin_ = &origin;
        count_ = count;
        completed_.store(0, std::memory_order_relaxed);
        bound_.store(no_bound, std::memory_order_relaxed);
        skipped_ = 0;
        verdict_.reset();
    }
    void step() noexcept {
        if (!held_) {
            ++current_;
            return;
        }
        held_ = held_->following();
        current_ = &held_->what();
    }

    const work::function on_end_;
    scheduler& loop_;
    worker* at_ = nullptr;          // where it is called, or was; null: the loop
    class handler* with_ = nullptr; // by that worker
    std::size_t seat_ = 0;
    steady_time began_at_{}, ended_at_{};
    const run_origin* origin_ = nullptr;
    const record* current_ = nullptr;
    run* beside_ = nullptr;
    held_record* held_ = nullptr; // whose record is the current one; null over a batch
    const record_batch* batch_ = nullptr;
    std::size_t count_ = 0;
    std::atomic<std::size_t> completed_{0};
    std::atomic<std::int64_t> bound_{no_bound};
    std::size_t skipped_ = 0;
    std::optional<outcome> verdict_;
    bool starting_ = false; // both touched by the loop's own thread only
    bool ended_inline_ = false;
};

class handler {
public:
    virtual ~handler() = default;
    /// Called once a run (and once more for each further attempt): on the loop, or on a worker. The run lives
    /// until end().
    virtual void start(run& records) noexcept = 0;
    /// True if every run has ended when start() returns. On the loop the engine hands over fetch batches as
    /// they are then, and looks at keys only while something waits.
    [[nodiscard]] virtual bool is_immediate() const noexcept { return false; }
    /// True if it must be given runs as they are, not record by record.
    [[nodiscard]] virtual bool needs_whole_runs() const noexcept { return false; }
    /// True if start() may be called on several workers at once, for runs of different lanes. Else it is
    /// called on the loop.
    [[nodiscard]] virtual bool is_for_workers() const noexcept { return false; }
    /// Called on the loop when a run that was started is asked to stop: for handlers that hold runs without
    /// working on them.
    virtual void asked_to_stop(run&) noexcept {}
};

} // namespace corvid

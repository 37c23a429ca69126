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
#include <corvid/model/outcome.hpp>
#include <corvid/model/record.hpp>
#include <corvid/observe/log.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

namespace corvid {

/// What a run's records have in common. Lives as long as the assignment it is of.
struct run_origin {
    topic_partition where;
    const std::string* group = nullptr;
    const logger* log = nullptr;
    stop_token stop;
};

class run : private work {
public:
    static constexpr std::size_t most = 256;

    /// `on_end` runs on `loop` after end().
    run(scheduler& loop, work::function on_end, void* owner) noexcept
        : work(on_end), loop_(loop), owner_(owner) {}

    /// Loop only, between runs.
    void reset(record_batch batch, const run_origin& origin) noexcept {
        batch_ = std::move(batch);
        origin_ = &origin;
        completed_.store(0, std::memory_order_relaxed);
        skipped_ = 0;
        attempt_ = 1;
        verdict_.reset();
        stop_asked_.store(false, std::memory_order_relaxed);
    }
    /// Loop only: makes the record at the front runnable again.
    void try_again() noexcept {
        ++attempt_;
        verdict_.reset();
    }

    /// In a handler's start(), before the records are looked at: the batch, to keep beyond the run, which
    /// goes on with records that stand for the same bytes.
    [[nodiscard]] std::shared_ptr<const record_batch> share();

    [[nodiscard]] bool has_next() const noexcept {
        return index() < batch_.size() && !verdict_ && !stop_asked_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const record& current() const noexcept { return batch_.records()[index()]; }
    [[nodiscard]] const record_batch& batch() const noexcept { return batch_; }
    [[nodiscard]] const run_origin& origin() const noexcept { return *origin_; }
    /// Of the current record: 1 at first.
    [[nodiscard]] int attempt() const noexcept { return attempt_; }

    void complete(outcome what) noexcept {
        if (what == verdict::done || what == verdict::skip) [[likely]] {
            skipped_ += what == verdict::skip;
            attempt_ = 1;
            completed_.store(index() + 1, std::memory_order_release);
        } else {
            verdict_ = std::move(what);
        }
    }
    void end() noexcept {
        if (scheduler::current() == &loop_ && starting_)
            ended_inline_ = true;
        else
            loop_.post(*this);
    }

    /// How many records, from the front, are done. Any thread.
    [[nodiscard]] std::size_t index() const noexcept { return completed_.load(std::memory_order_acquire); }
    [[nodiscard]] bool is_finished() const noexcept { return index() == batch_.size(); }
    void ask_to_stop() noexcept { stop_asked_.store(true, std::memory_order_relaxed); }

private:
    friend class partition_lane;
    // Loop only: calls the handler; true if the run has ended already.
    [[nodiscard]] bool start(class handler& with) noexcept;
    scheduler& loop_;
    void* owner_;
    const run_origin* origin_ = nullptr;
    record_batch batch_;
    std::atomic<std::size_t> completed_{0};
    std::atomic<bool> stop_asked_{false};
    std::size_t skipped_ = 0;
    int attempt_ = 1;
    std::optional<outcome> verdict_;
    bool starting_ = false; // touched by the loop's own thread only
    bool ended_inline_ = false;
};

class handler {
public:
    virtual ~handler() = default;
    /// Called on the loop, once a run (and once more for each further attempt). The run lives until end().
    virtual void start(run& records) noexcept = 0;
    /// Called on the loop when a run that was started is asked to stop: for handlers that hold runs without
    /// working on them.
    virtual void asked_to_stop(run&) noexcept {}
};

inline bool run::start(handler& with) noexcept {
    ended_inline_ = false;
    starting_ = true;
    with.start(*this);
    starting_ = false;
    return ended_inline_;
}

} // namespace corvid

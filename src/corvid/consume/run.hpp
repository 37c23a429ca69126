// SPDX-License-Identifier: Apache-2.0
//
// run: consecutive records of one lane, handed to a handler (handler.hpp) together.
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
#include <corvid/consume/attempt/asymmetric_fence.hpp>
#include <corvid/consume/held_record.hpp>
#include <corvid/message/envelope.hpp>
#include <corvid/observe/log.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace corvid {

class attempt_chain;
class publisher;
class publish_tally;

/// What a run's records have in common. Lives as long as the assignment it is of.
struct run_origin {
    topic_partition where;
    const std::string* group = nullptr;
    const logger* log = nullptr;
    stop_token stop;
    attempt_chain* chain = nullptr; ///< around each attempt; null: nothing is
    publisher* out = nullptr;       ///< of what handlers publish
    corvid::order order = by_key;
    bool is_retry_topic = false; ///< its records name where they come from in their headers
    std::uint64_t ticket = 0;    ///< of the assignment at the position keeper of its completion stage
};

class run_owner;
class worker;

/// Many are at work at once: what each record touches, but for the trail, stands in the first two lines, and
/// so does what tells its end.
class alignas(64) run : private work {
public:
    static constexpr std::size_t most = 256;
    static constexpr std::int64_t no_bound = std::numeric_limits<std::int64_t>::max();

    /// After end() it comes back to `owner` on `loop`; null: to nobody.
    run(scheduler& loop, run_owner* owner) noexcept : work(give_back), loop_(loop), owner_(owner) {}
    /// Over one record of another run, for a look at it and to publish for it; neither started nor ended.
    run(const run& of, held_record& one) noexcept : run(of.loop_, nullptr) { over(one, 1, *of.origin_); }

    /// Loop only, between runs: over records of a batch, for a handler that ends before start() returns.
    void over(std::span<const record> records, const record_batch& of, const run_origin& origin) noexcept;
    /// The same over `count` records that are held, from `first` on; none from `bound` on is begun.
    void over(held_record& first, std::size_t count, const run_origin& origin,
              std::int64_t bound = no_bound) noexcept;
    /// Over the current record of another run alone, for handlers that stand in front of others. What is
    /// published and remembered for the record is the other's, which outlives this, and what was paid for it.
    void over_current_of(run& other) noexcept;

    [[nodiscard]] bool has_next() const noexcept {
        return index() < count_ && !has_verdict_ && may_begin(current_->offset);
    }
    [[nodiscard]] const record& current() const noexcept { return *current_; }
    /// The current record where it is held, and behind it the others of the run; null over a fetch batch.
    [[nodiscard]] held_record* held() const noexcept { return held_; }
    /// The next record of the run where it is held, to be asked for early. On the thread that works on it.
    [[nodiscard]] const held_record* behind() const noexcept { return behind_; }
    [[nodiscard]] bool may_begin(std::int64_t offset) const noexcept { // the record there, one of the run
        const std::int64_t bound = bound_.load();
        return offset < bound || (bound == frozen && offset < thawed_bound());
    }
    /// The next run of the same batch (subscription::batch): the handler gets the first and ends each.
    [[nodiscard]] run* beside() const noexcept { return beside_; }
    /// Of the current record, parsed at each call; they borrow from the run.
    [[nodiscard]] header_list headers() const {
        return held_ ? held_->its_headers() : batch_->headers_of(*current_);
    }
    [[nodiscard]] const run_origin& origin() const noexcept { return *origin_; }
    /// Where the current record came from.
    [[nodiscard]] record_origin place() const noexcept;
    /// What its handler wants to know of the current record when it is tried again; 0 at first. Forgotten
    /// when the record leaves the process, and where it is tried again for a publish that failed.
    [[nodiscard]] std::uint64_t memo() const noexcept {
        return held_ ? held_->memo : outer_ ? outer_->memo() : memo_;
    }
    void remember(std::uint64_t what) noexcept;
    /// Which of several handlers for the current record is at work, from 1 on; 0: there is but one.
    [[nodiscard]] std::uint32_t part() const noexcept { return part_; }
    void enter_part(std::uint32_t which) noexcept {
        part_ = which;
        numbered_ = 0;
    }
    /// The next number among what this part publishes for the current record, from 1 on.
    [[nodiscard]] std::uint32_t next_number() const noexcept { return ++numbered_; }
    /// Of what is published for the current record. Any thread, of those that the handler works on.
    [[nodiscard]] publish_tally& published() const;
    /// What was published for it elsewhere, in exchange for what is known of here; null: nothing.
    publish_tally* exchange_published(publish_tally* with) noexcept;
    /// Of the current record: 1 at first.
    [[nodiscard]] int attempt() const noexcept { return held_ ? held_->all_attempts() : 1; }
    /// When the current record failed first; none: it did not.
    [[nodiscard]] std::optional<wall_time> first_failed_at() const noexcept;

    /// Done and skip: the next record is the current one. What was published for the record is waited for
    /// meanwhile; where that failed already, the record is to be tried again.
    void complete(outcome what) noexcept {
        if (published_) [[unlikely]]
            what = settle_published(std::move(what));
        if (what == verdict::done || what == verdict::skip) [[likely]] {
            skipped_ += what == verdict::skip ? 1 : 0;
            const std::size_t n = index() + 1;
            if (n < count_) step();
            completed_.store(n, std::memory_order_release);
            if (held_) detail::light_fence(); // before it looks at the bound of the next
        } else {
            verdict_ = std::move(what);
            has_verdict_ = true;
        }
    }
    /// The current record is not begun, nor any behind it: they come again, not before then.
    void leave_over(steady_time not_before) noexcept {
        not_before_ = not_before;
        is_left_over_ = true;
    }
    /// Whether the next attempt is paid for at the chain's rate limit; the one after it is not.
    [[nodiscard]] bool take_payment() noexcept { return std::exchange(paid_for_, false); }
    void end() noexcept;
    /// By a handler that has it wait, while it is started: nobody is at it, and those beside it, from here on
    /// until begin_work(), by whoever works on them.
    void wait_for_turn() noexcept;
    void begin_work() noexcept;
    /// Any thread.
    [[nodiscard]] bool is_begun() const noexcept { return begun_.load(); }

    /// How many records, from the front, are done. Any thread.
    [[nodiscard]] std::size_t index() const noexcept { return completed_.load(); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool is_finished() const noexcept { return index() == count_; }
    // Loop only.
    /// No record from `bound` on is begun.
    void stop_before(std::int64_t bound) noexcept {
        if (bound_.exchange(bound) == frozen) bound_.notify_all();
    }
    /// What is not seen as begun after this and a heavy_fence() (is_begun(), index()) is not before
    /// stop_before() says which may be, soon: whoever would begin it waits.
    void freeze() noexcept { bound_.store(frozen); }
    void put_beside(run& another) noexcept { beside_ = &another; }
    void pay(bool for_the_first) noexcept { paid_for_ = for_the_first; }
    /// Calls the handler; true if the run has ended already.
    [[nodiscard]] bool start(class handler& with) noexcept;
    /// Instead: the node that calls the handler on this worker, by way of a post.
    [[nodiscard]] work& bound_for(worker& at, class handler& with) noexcept;
    /// It goes beside a run that is bound for this worker.
    void goes_along(worker& at) noexcept;
    /// Once it has ended: what the loop must decide on, for the record behind those that are done.
    [[nodiscard]] const outcome* undecided() const noexcept { return has_verdict_ ? &*verdict_ : nullptr; }
    [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }
    /// A record of a batch that is done but for what was published for it.
    struct open_record {
        std::size_t index;
        publish_tally* waits;
    };
    /// In the order of the run; for held records it stands in them.
    [[nodiscard]] const std::vector<open_record>& open() const noexcept { return open_; }
    /// Some of its records are open.
    [[nodiscard]] bool has_open() const noexcept { return has_open_; }
    /// Asks for the memory of its first records, which have left the cache where many runs are at work.
    void foresee_done() const noexcept;
    /// From the beginning of work to end().
    [[nodiscard]] duration took() const noexcept { return ended_at_ - began_at_; }
    [[nodiscard]] steady_time began_at() const noexcept { return began_at_; }
    [[nodiscard]] bool was_away() const noexcept { return at_ != nullptr; }
    /// Where the handler was called: 0 is the loop, then the workers.
    [[nodiscard]] std::size_t seat() const noexcept { return seat_; }
    /// What is left may not be begun before then.
    [[nodiscard]] std::optional<steady_time> not_before() const noexcept {
        return is_left_over_ ? std::optional(not_before_) : std::nullopt;
    }

protected:
    [[nodiscard]] static run& of(work& node) noexcept { return static_cast<run&>(node); }

private:
    static constexpr std::int64_t frozen = std::numeric_limits<std::int64_t>::min();
    static void give_back(work& node) noexcept;
    void begin(std::size_t count, const run_origin& origin, std::int64_t bound = no_bound) noexcept;
    [[nodiscard]] std::int64_t thawed_bound() const noexcept;
    [[nodiscard]] outcome settle_published(outcome what) noexcept;
    void forget_published() noexcept;
    void step() noexcept {
        memo_ = 0;
        enter_part(0);
        if (!held_) return static_cast<void>(++current_);
        held_ = behind_;
        const std::size_t n = index() + 1;
        if (n < trail_.size()) trail_[n] = held_;
        behind_ = n + 1 < count_ ? held_->following() : nullptr; // behind the last is the loop's
        current_ = &held_->what();
        published_ = std::exchange(held_->kept, nullptr);
    }

    held_record* held_ = nullptr;   // whose record is the current one; null over a batch
    held_record* behind_ = nullptr; // read when the one before it began, which has left the cache since
    const record* current_ = nullptr;
    std::uint32_t count_ = 0, skipped_ = 0;
    const run_origin* origin_ = nullptr;
    mutable publish_tally* published_ = nullptr; // of the current record
    // The loop sees what is begun, or who begins it sees the bound: between the two stands a fence.
    std::atomic<std::size_t> completed_{0};
    std::atomic<std::int64_t> bound_{no_bound};
    std::uint64_t memo_ = 0; // of the current record over a batch
    std::uint32_t part_ = 0;
    mutable std::uint32_t numbered_ = 0;
    scheduler& loop_;
    run_owner* const owner_;
    worker* at_ = nullptr;           // where it is called, or was; null: the loop
    std::atomic<bool> begun_{false}; // as completed_
    bool has_verdict_ = false, is_left_over_ = false;
    bool paid_for_ = false, has_open_ = false;
    bool starting_ = false, ended_inline_ = false; // touched by the loop's own thread only

    std::optional<outcome> verdict_;
    class handler* with_ = nullptr; // by that worker
    std::size_t seat_ = 0;
    steady_time began_at_{}, ended_at_{};
    run* beside_ = nullptr;
    run* outer_ = nullptr; // that this stands for
    const record_batch* batch_ = nullptr;
    steady_time not_before_{};
    std::vector<open_record> open_;
    std::array<held_record*, 16> trail_{}; // its first records: else each is known by the one before it alone
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// partition_lane: one assigned partition within its loop: the run at work, and up to where everything is
// done. Loop only, but for what run says of itself.
//
//   idle ─take─▶ running ─end─▶ idle
//                  │ retry ▶ backing_off ─timer─▶ running        │ rejected ▶ stopped (the offset is held)
// There is no offset to read from: stopped, behind the run at work.
//
// What is left of a run waits in the idle lane and goes on, unless the lane is leaving: it was asked to stop,
// takes nothing any more, and its rest is delivered again to whoever gets the partition next. A lane that is
// dropped while its handler works becomes a leftover: fenced, and kept until the handler returns.
#pragma once

#include <corvid/base/stop.hpp>
#include <corvid/broker/record_source.hpp>
#include <corvid/consume/group_figures.hpp>
#include <corvid/consume/subscription.hpp>

#include <optional>

namespace corvid {

class group_loop;

class partition_lane {
public:
    enum class state : std::uint8_t { idle, running, backing_off, stopped };

    partition_lane(group_loop& owner, scheduler& loop, broker::assigned_partition which, subscription& reader,
                   const std::string& group);
    partition_lane(const partition_lane&) = delete;
    partition_lane& operator=(const partition_lane&) = delete;

    [[nodiscard]] const topic_partition& where() const noexcept { return origin_.where; }
    [[nodiscard]] broker::slot slot() const noexcept { return slot_; }
    [[nodiscard]] subscription& reader() noexcept { return reader_; }
    [[nodiscard]] state now() const noexcept { return state_; }
    [[nodiscard]] bool is_running() const noexcept { return state_ == state::running; }
    /// May take records, or go on with what is left of its run.
    [[nodiscard]] bool is_ready() const noexcept { return state_ == state::idle && !leaving_; }
    [[nodiscard]] bool is_leaving() const noexcept { return leaving_; }
    [[nodiscard]] bool is_leftover() const noexcept { return leftover_; }
    void become_leftover() noexcept { leftover_ = true; }
    [[nodiscard]] const std::optional<error>& stopped_by() const noexcept { return stopped_by_; }
    /// Where and why it stopped, for operators. Stopped only.
    [[nodiscard]] std::string stopped_at() const;

    /// Starts the handler on fresh records; answers how many offsets are missing before them. Ready and
    /// without a rest only.
    std::int64_t begin(record_batch batch);
    /// Starts it once more on what is left of the run.
    void go_on() { launch(); }

    /// The next offset to read, by what is done so far; none before the first record is.
    [[nodiscard]] std::optional<offset> frontier() const noexcept;
    /// Records done since it was asked last, and how many of them were skipped.
    struct progress {
        std::size_t done = 0, skipped = 0;
    };
    [[nodiscard]] progress take_progress() noexcept;

    /// After the run ended: its verdict, if the loop must decide; none if it is finished or was asked to
    /// stop.
    [[nodiscard]] std::optional<outcome> verdict() const { return run_.verdict_; }
    [[nodiscard]] const record& failed_record() const noexcept { return run_.current(); }
    /// Names the failed record, its handler and the attempt.
    [[nodiscard]] logger failure_log() const;
    [[nodiscard]] int attempt() const noexcept { return run_.attempt(); }

    void back_off(steady_time until);
    void pass_over() noexcept; ///< the failed record counts as done
    void stop_here(error why);
    void stop_behind_run(error why);
    /// The run is over, or its rest goes on later.
    void become_idle() noexcept;
    /// Records taken and not yet done.
    [[nodiscard]] std::size_t in_hand() const noexcept { return run_.batch().size() - run_.index(); }
    [[nodiscard]] bool has_rest() const noexcept { return !run_.is_finished(); }

    /// No further record is begun, ever; the one at work goes on.
    void ask_to_stop() noexcept;
    /// The handler at work is asked to finish.
    void request_stop(stop_reason why) noexcept;
    void cancel_back_off() noexcept;

    lane_figures figures;
    steady_time run_began{};

private:
    void launch();
    static void ended(work& node) noexcept;
    struct back_off_timer : timer {
        explicit back_off_timer(partition_lane& l) noexcept;
        partition_lane& lane;
    };

    group_loop& owner_;
    scheduler& loop_;
    broker::slot slot_;
    subscription& reader_;
    stop_source stop_;
    run_origin origin_;
    run run_;
    back_off_timer timer_;
    state state_ = state::idle;
    bool leaving_ = false, leftover_ = false;
    std::optional<offset> expected_;
    std::size_t reported_ = 0, reported_skips_ = 0;
    std::optional<error> stopped_by_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// hand_over: where the runs of one subscription go, here (the group's loop) or to the workers, and the lists
// in which they go there.
//
// A plain handler moves between the two as placement says, and is never at work on both: before it comes to
// the loop all runs that are away come back, and what is ready is run; until then nothing more is taken in.
// Any other handler that is for workers stays there. Loop only.
#pragma once

#include <corvid/consume/detail/placement.hpp>
#include <corvid/consume/run.hpp>
#include <corvid/consume/worker_pool.hpp>
#include <corvid/lanes/lane_set.hpp>

#include <optional>
#include <vector>

namespace corvid {

class hand_over {
public:
    /// No pool: everything runs here.
    hand_over(worker_pool* workers, handler& with, order how);

    /// Runs are started on this loop.
    [[nodiscard]] bool is_here() const noexcept { return !workers_ || (comes_here() && away_ == 0); }
    /// … and the handler works on batches as they are.
    [[nodiscard]] bool is_immediate() const noexcept { return plain_ && is_here(); }
    /// More may be taken in, and runs may be begun.
    [[nodiscard]] bool takes_in() const noexcept { return !moving_; }
    [[nodiscard]] bool begins() const noexcept { return !moving_ || away_ == 0; }
    /// True once, when the move to the loop is complete: `ready` lanes wait, none.
    [[nodiscard]] bool has_come(std::size_t ready) noexcept {
        return moving_ && away_ == 0 && ready == 0 && !(moving_ = false);
    }
    /// Records of a run where nothing orders them, `waiting` of which wait.
    [[nodiscard]] std::size_t length_unordered(std::size_t waiting) const noexcept;

    /// The run goes with the next flush().
    void give(run& fresh, const lane* in, const lane_record& first);
    void flush() noexcept;
    /// It has ended, here or away.
    void ended(const run& over) noexcept;

private:
    [[nodiscard]] bool comes_here() const noexcept { return where_.at() == placement::place::loop; }
    [[nodiscard]] std::size_t number_for(const lane* in, const lane_record& first) noexcept;

    worker_pool* const workers_;
    handler& handler_;
    const order order_;
    const bool plain_;
    placement where_;
    bool moving_ = false;
    std::size_t away_ = 0;
    std::size_t next_ = 0; // unordered: the workers in turn
    std::vector<work_list> lists_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// A small engine around lanes/, driven by a seed: partitions with records and gaps, handlers that fail, time,
// rebalances and commits, in any order. It tells what happened as a history, and can be given a bug. Tests
// only.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/lanes/failure_policy.hpp>
#include <corvid/lanes/history_checks.hpp>
#include <corvid/lanes/intake_gate.hpp>
#include <corvid/lanes/lane_set.hpp>
#include <corvid/lanes/offset_ledger.hpp>
#include <corvid/lanes/retry_schedule.hpp>

#include <memory>

namespace corvid::lanes_test {

enum class bug : std::uint8_t {
    none,
    commits_the_end,     // commits what was taken, not what is done
    forgets_locks,       // a revocation ends the locks of handlers at work
    retries_behind,      // a failed record goes behind its key
    loses_retries,       // back-off that nobody remembers
    marks_by_partition,  // a completion counts whatever its epoch
    prefers_lower_lanes, // puts back what is not its favourite
};

struct in_flight : lane_record, schedule_entry {
    int lane_id = 0;
    int attempt = 1;
};

struct at_work {
    lane* of;
    assignment from;
    std::vector<in_flight*> records;
    std::size_t index = 0;
};

struct partition {
    std::size_t position = 0; // in the log
    std::int64_t committed = 0;
    epoch since = epoch::none;
    offset_ledger ledger{{}};
};

class world {
public:
    world(std::uint64_t seed, order how, bug with)
        : random_(seed), how_(how), bug_(with), set_(how), policy_(choose()), gate_(tight(random_)) {
        const auto count = 1 + random_.below(3);
        gate_.share_between(count);
        for (std::size_t p = 0; p < count; ++p)
            write(static_cast<int>(p));
    }

    history run();
    [[nodiscard]] const intake_gate::figures& counted() const { return gate_.total(); }
    [[nodiscard]] bool is_clean() const { return set_.empty() && schedule_.empty() && alive_.empty(); }

private:
    // --- what there is ------------------------------------------------------------------------------------
    static intake_settings tight(prng& random);
    failure_policy::settings choose();
    void write(int p);
    std::int64_t below(std::uint64_t n) { return static_cast<std::int64_t>(random_.below(n)); }
    int any_partition() { return static_cast<int>(random_.below(partitions_.size())); }
    partition& at(int p) { return partitions_[static_cast<std::size_t>(p)]; }
    const std::vector<logged>& log_of(int p) { return told_.log[static_cast<std::size_t>(p)]; }
    void tell(event::kind what, const in_flight& r, std::int64_t value = 0);

    // --- what may happen ----------------------------------------------------------------------------------
    void step();
    void drain();
    bool is_over();

    // --- membership and commits ---------------------------------------------------------------------------
    void assign(int p);
    void revoke(int p);
    void commit(int p);

    // --- intake -------------------------------------------------------------------------------------------
    void deliver(int p);
    bool may_take(int p);
    void add(int p, const logged& what);
    void place_in_lane(in_flight& r);
    void park(int p, offset which);

    // --- work ---------------------------------------------------------------------------------------------
    void take();
    void work(std::size_t which);
    void mark(const in_flight& r);
    void finish(lane& of, std::size_t n);
    // The record at w.index is to be tried again at `when`; those before it are done.
    void fail(at_work& w, steady_time when);
    // Unordered: what failed comes back when it is due, what was not begun at once.
    void again(in_flight& r, bool failed, steady_time when);
    void schedule(steady_time when, in_flight& r) { schedule_.add(when, r); }
    void pass_time();
    void drop(in_flight& r);

    prng random_;
    order how_;
    bug bug_;
    lane_set set_;
    failure_policy policy_;
    intake_gate gate_;
    retry_schedule schedule_;
    history told_;
    std::vector<partition> partitions_;
    std::vector<std::unique_ptr<in_flight>> alive_;
    std::vector<at_work> working_;
    steady_time now_{};
    epoch epochs_ = epoch::none;
    bool failures_ = true;
};

} // namespace corvid::lanes_test

// SPDX-License-Identifier: Apache-2.0
//
// dispatcher: the records of one subscription on their way through: taken in, run, and settled, as lanes/
// decides (docs/decisions/0006). Owned by a group's loop and used on it alone; handlers reach it by the end
// of their runs, transfers by a post to the loop.
//
//   take_in ─▶ immediate handler, nothing of its key waits ─▶ run over the batch ─▶ done
//      │                                                          └ failed ─┐
//      └─▶ held_record ─▶ lane ─▶ start_ready ─▶ run ─▶ ended ─▶ done       │
//                          ▲                            └ failed ─▶ decide ◀┘
//                          └── due ◀── back-off ◀──────────────────────┤
//                                      dead letter durable ─▶ settled ◀┘
#pragma once

#include <corvid/consume/detail/batch_plan.hpp>
#include <corvid/consume/detail/hand_over.hpp>
#include <corvid/consume/detail/tenancy.hpp>
#include <corvid/consume/detail/transfers.hpp>
#include <corvid/consume/parking/parking.hpp>
#include <corvid/consume/progress_watch.hpp>
#include <corvid/consume/subscription.hpp>
#include <corvid/lanes/intake_gate.hpp>
#include <corvid/lanes/lane_set.hpp>
#include <corvid/observe/log.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace corvid {

/// What a dispatcher needs of its loop.
class dispatch_owner {
public:
    virtual void runs_came_back() noexcept = 0; ///< settle_returned() is asked for
    /// A run or a transfer has ended: there may be room, and `of` may be drained. It may be gone after this.
    virtual void work_ended(tenancy& of) noexcept = 0;
    /// A record stopped its partition.
    virtual void partition_stopped(tenancy& which) = 0;
    virtual void handler_stopped(const error& why) = 0;
    /// What tells, from any thread, that the position of `which` was moved back.
    [[nodiscard]] virtual std::function<void(const error&)> when_moved_back(tenancy& which) = 0;
    [[nodiscard]] virtual double random01() noexcept = 0;

protected:
    ~dispatch_owner() = default;
};

class dispatcher final : private parking_owner, private run_owner {
public:
    dispatcher(subscription& handles, scheduler& loop, dispatch_owner& owner, const transfers& elsewhere,
               worker_pool* workers);
    dispatcher(const dispatcher&) = delete;
    dispatcher& operator=(const dispatcher&) = delete;
    virtual ~dispatcher();

    [[nodiscard]] const subscription& reader() const noexcept { return reader_; }
    /// For the ledgers of its partitions: the subscription's, and room for a batch on top.
    [[nodiscard]] ledger_settings window() const noexcept;

    // --- membership
    void assigned(tenancy& fresh);
    /// How many partitions the subscription has from now on.
    void share_between(std::size_t partitions) noexcept { gate_.share_between(partitions); }
    /// No record is begun any more but those before what was begun already, if nothing of them is in
    /// back-off: as soon as those are done nothing would be delivered twice. tenancy::is_drained() says when.
    void drain(tenancy& which);
    /// Nothing is begun any more.
    void cut_off(tenancy& which);
    /// What waits of it is forgotten, what is at work is fenced.
    void drop(tenancy& which);

    /// The partition's dead keys, from `cluster` on.
    void park_keys(tenancy& of, broker::cluster& cluster, broker::source_listener& listener, publisher& by);

    // --- work
    /// Takes what is kept of it in, or a batch of at most `most`, if there is room; false: there is none, or
    /// nothing waits.
    bool take_in(tenancy& from, broker::record_source& source, std::size_t most = run::most);
    /// Starts at most `most` runs; true if more could start.
    bool start_ready(int most);
    [[nodiscard]] bool settle_returned() noexcept; ///< some of what came back; true if there is more
    /// What is due now goes on.
    void wake_due(steady_time now);
    [[nodiscard]] std::optional<steady_time> next_due() const noexcept;
    /// Takes note of what handlers at work have done of their runs by now.
    void note_progress();
    [[nodiscard]] std::size_t in_hand(const tenancy& of) const noexcept;
    /// What the watchdog sees of handler and lanes. O(lanes and runs at work).
    [[nodiscard]] handler_sight sight(steady_time now);
    /// Why nothing more is taken of it.
    [[nodiscard]] intake_stop why_stopped(const tenancy& of) const noexcept;

private:
    struct work_run final : run {
        explicit work_run(dispatcher& by) noexcept : run(by.loop_, &by) {}
        tenancy* of = nullptr;
        lane* in = nullptr; ///< null where unordered
        held_record* first = nullptr;
        held_record* unmarked = nullptr; ///< the record behind those that are marked
        std::size_t marked = 0;
        std::size_t place = 0; ///< among those at work
        bool probes = false;   ///< was begun while the breaker was not closed
        steady_time began{};
        // The record that the last sight found with the handler, and since when that is known.
        static constexpr std::size_t unseen = std::numeric_limits<std::size_t>::max();
        std::size_t seen = unseen;
        steady_time seen_since{};
        // Of a batch, which is begun as a whole:
        std::size_t slot = 0;
        std::size_t share = 1;  ///< records in it
        std::int64_t last = -1; ///< offset of the run's last record
        double random = 0;      ///< for all of it the same, so that what waits together comes together again
    };

    // --- intake
    [[nodiscard]] bool is_held_by_partition(const tenancy& of) const noexcept;
    void note_arrival(tenancy& at, const record_batch& batch);
    void track(tenancy& at, std::span<const record> records);
    void work_inline(tenancy& at, const record_batch& batch);
    [[nodiscard]] std::size_t free_until(const tenancy& at, const record_batch& batch, std::size_t from);
    [[nodiscard]] std::optional<std::string> lane_key_of(const tenancy& at, const record& what,
                                                         const record_batch& batch) const;
    [[nodiscard]] const lane* lane_of(const tenancy& at, const record& what, const record_batch& batch);
    [[nodiscard]] std::size_t run_over(tenancy& at, const record_batch& batch, std::size_t from,
                                       std::size_t to);
    [[nodiscard]] held_record& hold(tenancy& at, const record& what, const record_batch& batch);
    void place_all(tenancy& at, const record_batch& batch);
    void place(held_record& what);
    void place_when_due(held_record& what);

    // --- what the chain holds back
    [[nodiscard]] bool may_begin();
    [[nodiscard]] bool may_take_for_chain();
    void hold_back(const std::optional<steady_time>& until);
    void cut_at_what_is_held_back();
    static void cut_behind(const lane& blocked);

    // --- runs
    void tell_stalled(work_run& which, bool is_stalled);
    void begin(const lane_run& chosen);
    void condemn(held_record& killer);
    [[nodiscard]] static bool has_dead_keys(const tenancy& at) noexcept {
        return at.parks && !at.parks->keys.empty();
    }
    [[nodiscard]] static bool is_of_dead_key(const tenancy& at, const record& what) {
        return has_dead_keys(at) && what.key && at.parks->keys.dead_at(what.key.text());
    }
    [[nodiscard]] std::size_t runnable_of(const lane_run& chosen, held_record& first);
    void park(held_record& what);
    void place_released(tenancy& at, const record& source, const header_list& its_headers) override;
    void answered(tenancy& of) noexcept override;
    /// Null: no record of it may be begun, and they are gone.
    [[nodiscard]] work_run* prepare(const lane_run& chosen);
    void start(work_run& fresh);
    [[nodiscard]] std::size_t longest_run() const noexcept;
    [[nodiscard]] bool is_batch_due() const noexcept;
    void start_batches();
    [[nodiscard]] bool begin_batch();
    [[nodiscard]] lane_run take_for_batch(std::size_t records, std::size_t bytes);
    void came_back(run& over) noexcept override;
    void ended(work_run& over) noexcept;
    void settle_run(work_run& over);
    void settle_unordered(work_run& over);
    void give_back_rest(tenancy& of, lane& in, const held_record& rest, held_record* first,
                        std::size_t finished);
    void mark_done_part(work_run& of);
    void leave(lane* in, held_record* first, std::size_t count) noexcept;
    void free_chain(held_record* first, std::size_t count) noexcept;

    // --- what was published (docs/decisions/0014)
    [[nodiscard]] bool is_open(const lane& in, const tenancy& at) const noexcept;
    void mark_inline(tenancy& at, const record_batch& batch, std::span<const record> finished);
    void hold_open(tenancy& at, const record& what, const record_batch& batch, publish_tally* waits);
    [[nodiscard]] bool keep_open(work_run& over);
    void keep_open_unordered(work_run& over);
    void abandon_open(held_record* first, std::size_t count) noexcept;
    void wait_for(held_record& what);
    void published(publish_tally& all) noexcept;
    void answered(held_record& what, std::optional<outcome> failure);
    void leave_open(held_record& what);
    void advance(lane& in);
    void judge(held_record& failed, const outcome& what);
    void judge_behind(lane& in, held_record& failed, const outcome& what);
    void decide_judged(held_record& what);

    // --- completion stages (docs/decisions/0015)
    [[nodiscard]] bool is_attempt(held_record& failed, const std::optional<error>& why);
    void complete_dead_letter(held_record& what);
    void dead_letter_completed(held_record& what);

    // --- positions of a stage's own (docs/decisions/0017)
    void take_seat(tenancy& at, std::span<const record> records);
    void take_back(const held_record* first, std::size_t count);

    // --- outcomes
    void decide(held_record& failed, const outcome& what) { decide(failed, what, owner_.random01()); }
    void decide(held_record& failed, const outcome& what, double random01);
    void note_failure(held_record& failed, error why) const;
    void perform(const failure_policy::action& decided, held_record& failed);
    void try_again(held_record& failed, steady_time when);
    void set_aside(held_record& what, steady_time until);
    void count_as_waiting(held_record& what);
    void transfer_to(held_record::destination where, held_record& what, duration delay);
    void transfer(held_record& what);
    void transferred(held_record& what, const result<corvid::offset>& answer) noexcept;
    void arrived(held_record& what, corvid::offset at);
    void pass_over(held_record& what);
    void give_up_key(held_record& what);
    void mark_key(held_record& what);
    void park_oldest(tenancy& at, offset pin);
    /// The offset of a released record was settled when it was parked.
    static void mark_done(held_record& what) {
        if (what.is_released) [[unlikely]]
            return mark_released(what);
        what.of->ledger.mark(what.of->which.since, offset(what.offset));
        what.of->high = std::max(what.of->high, what.offset);
    }
    static void mark_released(held_record& what);
    void stop_at(held_record& what, bool service);
    void settled(held_record& what);
    void tell(log_level level, std::string_view text, const error& why, const held_record& about,
              logger::site at = logger::site::current()) const;

    subscription& reader_;
    scheduler& loop_;
    dispatch_owner& owner_;
    const transfers& elsewhere_;
    hand_over where_;
    const std::size_t most_at_work_;
    attempt_chain* const chain_;
    std::optional<steady_time> held_until_; // the chain: nothing is taken or begun before then
    std::size_t probing_ = 0;               // runs at work that were begun while its breaker was not closed
    std::vector<tenancy*> draining_;
    failure_policy policy_;
    lane_set lanes_;
    intake_gate gate_;
    retry_schedule schedule_;
    run inline_;
    std::optional<batch_plan> batches_;
    std::size_t open_ = 0;                   ///< records that wait for what they published
    std::unordered_set<held_record*> loose_; // unordered: failed and in no lane
    std::vector<std::unique_ptr<work_run>> runs_;
    std::vector<work_run*> idle_, at_work_, returned_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// group_loop: one member of one consumer group on a thread of its own: takes records, runs handlers, commits,
// and answers rebalances, broker loss and stop as events of the same loop. One owner of state: all but the
// functions marked "any thread" run on the loop.
//
// Invariants
//   - A committed offset is behind a contiguous run of records that are done: handled, skipped, passed over
//   by policy, or durable in a dead letter topic.
//   - Records of one key (or one partition, as the subscription's order says) run one at a time, in the order
//   of their offsets; a key's lock outlives the assignment that its handler began in.
//   - After a partition is given back nothing is committed for it.
//   - What fails at the broker is retried for ever, from 1 s back-off on; a handler cannot end the loop.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/broker/cluster.hpp>
#include <corvid/consume/commit_schedule.hpp>
#include <corvid/consume/detail/dispatcher.hpp>
#include <corvid/consume/group/topics.hpp>
#include <corvid/consume/group_figures.hpp>
#include <corvid/consume/positions/start_search.hpp>
#include <corvid/observe/log.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace corvid {

/// How a loop ended: everything drained and committed · handlers were still at work · a handler or the client
/// gave up.
enum class loop_end : std::uint8_t { clean, undrained, failed };

class group_loop final : private broker::source_listener, private dispatch_owner {
public:
    /// Throws config_error. `cluster` and `root` outlive the loop, `figures` too.
    group_loop(broker::cluster& cluster, scheduler& root, group_settings settings,
               std::vector<subscription> subscriptions, const logger& log, metrics* figures);
    /// Stops without drain if stop() was not called, and waits for handlers at work.
    virtual ~group_loop();

    /// Joins the group; throws config_error if the client refuses its settings. Not on a loop.
    void start();
    /// On the thread that starts it.
    [[nodiscard]] bool is_started() const noexcept { return thread_ != nullptr; }

    /// Any thread, idempotent: intake stops; handlers have `drain` to finish the record they are at, then are
    /// asked to stop and have `grace`; then offsets are committed and the group is left. `ended` is set at
    /// the end.
    void stop(std::chrono::milliseconds drain, std::chrono::milliseconds grace);
    /// Set when the member is given partitions for the first time.
    [[nodiscard]] signal& was_assigned() noexcept { return was_assigned_; }
    [[nodiscard]] signal& ended() noexcept { return ended_; }
    /// What has not ended waits for a handler that does not return or blocks the loop; else for the broker.
    /// Any thread.
    [[nodiscard]] bool waits_for_handlers() const noexcept;
    [[nodiscard]] loop_end how_it_ended() const noexcept { return end_; } ///< once ended

    /// Called on the loop when a handler says stop, or another member has this one's instance id: the owner
    /// then stops the service.
    std::function<void(const error&)> on_handler_stop;

    /// Any thread: everything before `next` is done, for subscriptions that commit by hand. Nothing where the
    /// assignment that the record came with is over: somebody may be further by now.
    void commit_up_to(topic_partition where, epoch since, offset next);

    [[nodiscard]] const std::string& group() const noexcept { return settings_.source.group; }
    [[nodiscard]] const group_state& state() const noexcept { return state_; } ///< any thread
    [[nodiscard]] scheduler& loop() noexcept { return *loop_; }

private:
    struct timed : timer {
        timed(group_loop& o, function f) noexcept : timer(f), owner(o) {}
        group_loop& owner;
    };
    struct commit_request : broker::offset_request {
        explicit commit_request(group_loop& o) noexcept;
        group_loop& owner;
        std::vector<commit_schedule::entry> asked;
    };
    /// What is committed for partitions that were assigned just now.
    struct start_inquiry : broker::offset_request {
        explicit start_inquiry(group_loop& o) noexcept;
        group_loop& owner;
        std::vector<epoch> of;
    };
    enum class phase : std::uint8_t { working, draining, grace, leaving, over };

    void ready() noexcept override;
    void pump_later() noexcept;
    void pump() noexcept;
    void take_events();
    [[nodiscard]] int take_in();
    [[nodiscard]] bool take_in(tenancy& from);
    [[nodiscard]] bool take_records(tenancy& from);
    [[nodiscard]] bool may_release(const tenancy& which) const;
    [[nodiscard]] bool start_ready();
    [[nodiscard]] bool keep_first(tenancy& of);
    [[nodiscard]] bool is_trusted(const tenancy& which, const tenancy& beside) const noexcept;
    [[nodiscard]] bool may_name(const tenancy& which) const;
    [[nodiscard]] bool is_held_back(const tenancy& which) const;
    void ask_starts();
    void starts_answered(start_inquiry& answered) noexcept;
    void follow(tenancy& which);
    [[nodiscard]] bool follow_starts();
    void wake_at_next_due();

    // Where partitions begin, if a completion stage keeps their positions.
    [[nodiscard]] tenancy* tenancy_of(epoch of) const noexcept;
    void accept(std::vector<broker::start_at> starts);
    void ask_positions();
    void position_found(epoch of, const result<std::optional<offset>>& found);
    void ask_ranges();
    void ranges_found(const std::vector<found_range>& all);
    void finish_search();
    void forget_search();
    [[nodiscard]] std::function<void(const error&)> when_moved_back(tenancy& which) override;
    void moved_back(epoch of, const error& why);

    void runs_came_back() noexcept override { pump_later(); }
    void work_ended(tenancy& of) noexcept override;
    void partition_stopped(tenancy& which) override;
    void handler_stopped(const error& why) override;
    [[nodiscard]] double random01() noexcept override { return random_.uniform(); }

    void on(broker::assigned& event);
    void on(broker::revoked& event);
    void on(broker::source_error& event);
    void on(broker::closed& event);
    void begin_tenancy(const broker::assigned_partition& given);
    [[nodiscard]] std::uint32_t number_of(const topic_partition& where);
    [[nodiscard]] bool is_revoked(const tenancy& which) const;
    [[nodiscard]] std::size_t sharing(const dispatcher& by) const;
    void drop_revoked();
    void drop_all();
    void tell_stopped();
    void try_release();
    void tell_reset(const error& why);
    void note_unread(const error& why);
    void stop_partition_of(const error& why);
    void stop_partition(tenancy& which, std::string_view text, const error& why);
    void stop_what_nobody_reads();
    void stop_for_good(const error& why);

    void tick() noexcept;
    void pass_over_gaps();
    void note_progress();
    void count_in_hand();
    void commit_now();
    void commit_answered() noexcept;
    void watch(steady_time now);
    [[nodiscard]] std::vector<partition_sight> look_at_partitions();
    void tell_findings();
    void leave_while(const handler_sight& stuck);
    void come_back();
    [[nodiscard]] std::chrono::milliseconds drain_of_a_revoke() const noexcept;

    void note_trouble(const error& why);
    void trouble_is_over();
    void tell_trouble();

    void open_source();
    void abandon_source();
    void finish();
    void finish_when_idle();
    void begin_stop(std::chrono::milliseconds drain, std::chrono::milliseconds grace);
    void advance_stop();
    void begin_grace();
    [[nodiscard]] bool is_drained() const noexcept;

    broker::cluster& cluster_;
    scheduler& root_;
    group_settings settings_;
    std::vector<subscription> subscriptions_;
    group_topics topics_;
    logger log_;
    group_figures figures_;
    group_state state_;
    prng random_;
    transfers elsewhere_;

    std::vector<std::unique_ptr<dispatcher>> dispatchers_; // one a subscription, made on the loop
    std::vector<handler_figures> handler_figures_;         // theirs
    progress_watch watch_;
    bool away_ = false; // has left the group, or leaves it, until a handler returns
    std::map<topic_partition, std::uint32_t> numbers_;
    epoch epochs_ = epoch::none;
    std::vector<std::unique_ptr<tenancy>> tenancies_; // of what is assigned
    std::size_t take_next_ = 0;                       // among them, whose turn it is to take in
    std::vector<std::unique_ptr<tenancy>> leftovers_; // of what was, while somebody is at work
    commit_schedule commits_;
    broker::offset_committer* committer_ = nullptr;
    commit_request request_;
    std::vector<std::unique_ptr<start_inquiry>> inquiries_;
    std::optional<start_search> search_;
    std::shared_ptr<loop_door> door_;
    bool watches_starts_ = false; // some partition is not free yet
    bool may_hurry_ = true;       // no commit has failed since the last tick
    // What the group suffers from: until its broker answers again, and until the topic is there.
    std::optional<error> unreachable_, refused_;
    steady_time unreachable_at_{};
    bool trouble_since_commit_ = false;
    timed pump_node_;
    bool pump_posted_ = false, pumping_ = false;
    timed tick_, due_, reopen_timer_;
    timed revoke_timer_; // handlers at work have so long before what is revoked is given back
    timed stop_timer_;   // the drain of a stop, then its grace
    std::optional<broker::revoked> revoking_;
    int final_commits_ = 0;
    std::chrono::milliseconds reopen_after_;

    std::atomic<bool> stop_asked_ = false;
    phase phase_ = phase::working;
    std::chrono::milliseconds grace_{0};
    loop_end end_ = loop_end::clean;
    signal was_assigned_, ended_;
    scheduler* loop_ = nullptr;
    std::unique_ptr<broker::record_source> source_;
    std::unique_ptr<loop_thread> thread_;
};

} // namespace corvid

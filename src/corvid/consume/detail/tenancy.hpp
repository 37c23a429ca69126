// SPDX-License-Identifier: Apache-2.0
//
// tenancy: a partition for as long as it is this member's, from assigned to released. What is still at work
// when the partition is taken away keeps its tenancy alive, fenced: its ledger knows no epoch any more.
// Loop only, but for what run_origin's token says.
#pragma once

#include <corvid/base/stop.hpp>
#include <corvid/broker/record_source.hpp>
#include <corvid/consume/group_figures.hpp>
#include <corvid/consume/positions/position_keeper.hpp>
#include <corvid/consume/progress_watch.hpp>
#include <corvid/consume/run.hpp>
#include <corvid/lanes/crash_guard.hpp>
#include <corvid/lanes/offset_ledger.hpp>

#include <algorithm>
#include <memory>

namespace corvid {

class dispatcher;
class parking;

struct tenancy {
    tenancy(assignment a, broker::assigned_partition given, const std::string& group, const logger& log,
            dispatcher& handles, const ledger_settings& window)
        : which(a),
          slot(given.id),
          origin{.where = std::move(given.where), .group = &group, .log = &log, .stop = stop.token()},
          home(origin.where.topic),
          ledger(window),
          by(handles) {}

    assignment which;
    broker::slot slot;
    stop_source stop;
    run_origin origin;
    topic_name home;      ///< the topic itself, or the one that its retry topic is of
    std::size_t tier = 0; ///< how many retry topics its records have been through
    offset_ledger ledger;
    partition_figures figures;
    dispatcher& by;

    std::size_t at_work = 0;   ///< runs and transfers that have not ended
    std::int64_t high = -1;    ///< the highest offset that was handled
    std::int64_t cut = no_cut; ///< no record from here on is begun; set when it drains, stops or is lost
    bool may_have_more = true; ///< the source has not said that nothing waits
    bool drains = false;       ///< asked to, and not dropped yet
    bool is_over = false;      ///< released or lost

    crash_guard guard{{.suspect_after = 0}};
    steady_time mine_since{};    ///< when it was assigned
    steady_time waits_since{};   ///< a record that is kept, to be named
    bool is_asked_for = false;   ///< what is committed for it
    record_batch kept{};         ///< taken, and not begun before the guard says so
    std::int64_t first = -1;     ///< where its records begin; none yet
    std::int64_t condemned = -1; ///< the record that is put elsewhere unrun; none
    bool put_off = false;        ///< a record came back undone, and waits
    steady_time next_take{};     ///< of a retry topic: when what was taken of it last is due

    position_keeper* keeper = nullptr;   ///< of its position; null: the group's commit is
    std::optional<offset> position = {}; ///< where it began, if that was the keeper's

    std::shared_ptr<parking> parks{}; ///< its dead keys; none: keys do not die

    /// Where reading on failed last; what lies behind it has not come since.
    std::optional<unread_sight> unread{};

    std::string stopped_by{}; ///< why a record stopped it; empty: none did

    static constexpr std::int64_t no_cut = run::no_bound;
    /// Records to take. Those of a retry topic come in the order in which they are due: what is not due yet
    /// stays with the broker, and takes nothing of what may wait from others.
    [[nodiscard]] std::size_t most_at_once() const noexcept { return tier > 0 ? 16 : run::most; }
    [[nodiscard]] bool takes_in() const noexcept { return cut == no_cut; }
    void cut_at(std::int64_t from) noexcept {
        if (from >= cut) return;
        cut = from;
        if (origin.ticket != 0) keeper->cut_from(origin.ticket, offset(std::max<std::int64_t>(cut, 0)));
    }
    /// Nothing of it is in hand.
    [[nodiscard]] bool is_idle() const noexcept {
        return at_work == 0 && kept.empty() && ledger.is_assigned() && ledger.unfinished() == 0;
    }
    /// Nobody is at work, and what was begun and could be finished is done.
    [[nodiscard]] bool is_drained() const noexcept {
        return at_work == 0 &&
               (!ledger.is_assigned() || ledger.frontier()->value >= std::min(cut, ledger.end().value));
    }
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// What becomes of records that are not done: performs what failure_policy decided. And how a partition ends.
#include <corvid/base/post_call.hpp>
#include <corvid/consume/context.hpp>
#include <corvid/consume/detail/dispatcher.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void dispatcher::tell(log_level level, std::string_view text, const error& why, const held_record& about,
                      logger::site at) const {
    log_of(about.of->origin, about.what().offset, about.its_headers())
        .with({{"handler", reader_.name}, {"attempt", about.all_attempts()}})
        .write(level, text, {}, &why, at);
}

// The handler left records over without a word: they come again, unless it was asked to stop.
void dispatcher::give_back_rest(tenancy& of, lane& in, const held_record& rest, held_record* first,
                                std::size_t finished) {
    if (!of.takes_in() && !rest.is_released) of.cut_at(rest.offset);
    lanes_.finish(in, finished);
    free_chain(first, finished);
}

// The records have left the lanes: what was not begun joins them again.
void dispatcher::settle_unordered(work_run& over) {
    tenancy& of = *over.of;
    held_record* rest = over.unmarked;
    std::size_t left = over.size() - over.marked;
    free_chain(over.first, over.marked);
    if (over.undecided()) {
        held_record& failed = *std::exchange(rest, rest->following());
        --left;
        decide(failed, *over.undecided(), batches_ ? over.random : owner_.random01());
    }
    while (left-- > 0) {
        held_record& each = *std::exchange(rest, rest->following());
        if (!of.takes_in()) of.cut_at(each.offset);
        place(each);
    }
}

// The record is at work: first of its lane, or in none where unordered.
void dispatcher::decide(held_record& failed, const outcome& what, double random01) {
    if (reader_.completes && !is_attempt(failed, what.why())) return;
    note_failure(failed, what.why().value_or(error(errc::handler_rejected, {.operation = "handle"})));
    const auto action = policy_.decide(
        what,
        {.number = failed.attempt, .tier = failed.of->tier, .now = loop_.steady_now(), .random01 = random01});
    perform(action, failed);
}

void dispatcher::note_failure(held_record& failed, error why) const {
    record_failure& its = failed.note_failure();
    its.why = std::move(why);
    if (its.first_at == wall_time{}) its.first_at = loop_.wall_now();
}

// No handler runs it: the last process that did died of it.
void dispatcher::condemn(held_record& killer) {
    const topic_partition& where = killer.of->origin.where;
    const int deaths = killer.of->guard.starts() - 1;
    killer.attempts_before = deaths - killer.attempt;
    note_failure(killer,
                 error(errc::process_died,
                       {.message = "the process died " + std::to_string(deaths) +
                                   " times at or before this record, the last time while it ran alone",
                        .operation = "handle",
                        .topic = where.topic.str(),
                        .partition = where.partition.value,
                        .offset = killer.what().offset}));
    killer.of->figures.killers.add();
    tell(log_level::error, "a record that kills the process is not run again", *killer.failure().why, killer);
    perform(policy_.give_up(), killer);
}

void dispatcher::perform(const failure_policy::action& decided, held_record& failed) {
    std::visit(
        overloaded{[&](const failure_policy::again_at& again) { try_again(failed, again.when); },
                   [&](const failure_policy::commit&) { settled(failed); },
                   [&](const failure_policy::pass_over&) { pass_over(failed); },
                   [&](const failure_policy::stop_partition&) { stop_at(failed, false); },
                   [&](const failure_policy::stop_service&) { stop_at(failed, true); },
                   [&](const failure_policy::retry_topic& to) {
                       transfer_to(held_record::destination::retry_topic, failed, to.delay);
                   },
                   [&](const failure_policy::park_key&) { give_up_key(failed); },
                   [&](const auto&) { transfer_to(held_record::destination::dead_letters, failed, {}); }},
        decided);
}

void dispatcher::try_again(held_record& failed, steady_time when) {
    failed.of->figures.retried.add();
    tell(log_level::warn, "a record is tried again", *failed.failure().why, failed);
    ++failed.attempt;
    set_aside(failed, when);
}

void dispatcher::set_aside(held_record& what, steady_time until) {
    if (lane* const in = what.in()) {
        lanes_.block(*in);
        if (!draining_.empty()) cut_behind(*in);
    } else {
        loose_.insert(&what);
    }
    count_as_waiting(what);
    what.of->put_off = true;
    schedule_.add(until, what.note_failure());
    if (what.is_released)
        what.of->parks->keys.put_off(what.what().key.text());
    else if (!what.of->takes_in())
        what.of->cut_at(what.offset);
}

// It does not run now, nor does what is behind it. What is deep behind waits already.
void dispatcher::count_as_waiting(held_record& what) {
    const std::size_t most = what.in() ? longest_run() : 1;
    held_record* each = &what;
    for (std::size_t i = 0; each && i < most; ++i, each = each->following())
        gate_.waiting(*each);
}

void dispatcher::wake_due(steady_time now) {
    if (held_until_ && *held_until_ <= now) held_until_.reset();
    while (schedule_entry* const entry = schedule_.pop_due(now)) {
        held_record& due = *static_cast<record_failure&>(*entry).of;
        lane* const in = due.in();
        if (!in) loose_.erase(&due);
        if (due.goes != held_record::destination::none) {
            if (in) static_cast<void>(lanes_.take_front(*in, 1));
            transfer(due);
        } else if (in) {
            lanes_.unblock(*in);
        } else {
            place(due);
        }
    }
}

void dispatcher::transfer_to(held_record::destination where, held_record& what, duration delay) {
    const bool again = where == held_record::destination::retry_topic;
    tell(again ? log_level::warn : log_level::error,
         again ? "a record goes to a retry topic" : "a record goes to the dead letter topic",
         *what.failure().why, what);
    what.goes = where;
    what.note_failure().delay = delay;
    transfer(what);
}

void dispatcher::transfer(held_record& what) {
    if (lane* const in = what.in()) lanes_.narrow(*in, 1);
    count_as_waiting(what);
    ++what.of->at_work;
    elsewhere_.start(what, [this, &what](result<corvid::offset> answer) {
        post_call(loop_, [this, &what, answer = std::move(answer)]() noexcept { transferred(what, answer); });
    });
}

void dispatcher::transferred(held_record& what, const result<corvid::offset>& answer) noexcept {
    tenancy& of = *what.of;
    --of.at_work;
    if (of.is_over) {
        leave(what.in(), &what, 1);
    } else if (answer) {
        arrived(what, *answer);
    } else if (answer.error() == errc::message_too_large &&
               !std::exchange(what.note_failure().was_too_large, true)) {
        transfer(what);
    } else {
        record_failure& its = what.note_failure();
        ++its.transfers;
        its.unmoved = answer.error();
        tell(log_level::error,
             "a record could not be put elsewhere; its offset is held, and it is tried again", answer.error(),
             what);
        set_aside(what, policy_.transfer_again_at(its.transfers, loop_.steady_now(), owner_.random01()));
    }
    owner_.work_ended(of);
}

void dispatcher::pass_over(held_record& what) {
    what.of->figures.rejected.add();
    tell(log_level::error, "a record was rejected and passed over", *what.failure().why, what);
    if (!what.of->keeper) return settled(what);
    if (lane* const in = what.in()) lanes_.narrow(*in, 1);
    complete_dead_letter(what);
}

void dispatcher::settled(held_record& what) {
    mark_done(what);
    leave(what.in(), &what, 1);
}

void dispatcher::stop_at(held_record& what, bool service) {
    tenancy& of = *what.of;
    const error why = *what.failure().why;
    (service ? of.figures.stopped : of.figures.rejected).add();
    tell(log_level::error,
         service ? "a handler stops the service; the offset is held"
                 : "a partition stops at a record that was rejected; the offset is held",
         why, what);
    of.stopped_by =
        to_string(of.origin.where) + " at offset " + std::to_string(what.offset) + ": " + why.describe();
    of.put_off = true;
    gate_.hold(of.which.partition, intake_stop::failed);
    // Its lane, and all others of the partition, are emptied as they come up.
    if (lane* const in = what.in())
        lanes_.finish(*in, 0);
    else
        leave(nullptr, &what, 1);
    cut_off(of);
    owner_.partition_stopped(of);
    if (service) owner_.handler_stopped(why);
}

// --- membership -------------------------------------------------------------------------------------------

void dispatcher::assigned(tenancy& fresh) {
    fresh.origin.chain = chain_;
    fresh.origin.order = lanes_.ordering();
    fresh.origin.is_retry_topic = fresh.tier > 0;
    gate_.let_go(fresh.which.partition, intake_stop::revoking);
    gate_.let_go(fresh.which.partition, intake_stop::failed);
}

// Nothing in it comes up before what blocks it is due, whichever partition that is of: a lane of a key of the
// user's own holds records of several.
void dispatcher::cut_behind(const lane& blocked) {
    for (const auto* each = static_cast<const held_record*>(&blocked.front()); each; each = each->following())
        if (each->of->drains && !each->is_released) each->of->cut_at(each->offset);
}

// Nothing is begun while it looks for what was: that would come again though it was done.
void dispatcher::drain(tenancy& which) {
    if (!std::exchange(which.drains, true)) draining_.push_back(&which);
    gate_.hold(which.which.partition, intake_stop::revoking);
    for (work_run* each : at_work_)
        if (each->of == &which) each->freeze();
    detail::heavy_fence();
    note_progress();
    std::int64_t begun = which.high;
    for (const work_run* each : at_work_)
        if (each->of == &which && each->is_begun() && each->marked < each->size() &&
            !each->unmarked->is_released)
            begun = std::max({begun, each->unmarked->offset, each->last});
    lanes_.for_each([&](const lane& in) {
        const auto& front = static_cast<const held_record&>(in.front());
        if (in.now() == lane::state::blocked) cut_behind(in);
        if (in.now() == lane::state::running && front.is_sent() && front.of == &which && !front.is_released)
            begun = std::max(begun, front.offset);
    });
    for (const held_record* each : loose_)
        if (each->of == &which) which.cut_at(each->offset);
    which.cut_at(begun + 1);
    if (held_until_) cut_at_what_is_held_back();
    for (work_run* each : at_work_)
        if (each->of == &which) each->stop_before(which.cut);
    for (work_run* each : at_work_)
        if (each->of == &which) reader_.handle->asked_to_stop(*each);
}

void dispatcher::cut_off(tenancy& which) {
    which.cut_at(0);
    for (work_run* each : at_work_)
        if (each->of == &which) {
            each->stop_before(0);
            reader_.handle->asked_to_stop(*each);
        }
}

void dispatcher::drop(tenancy& which) {
    note_progress();
    cut_off(which);
    record_chain waiting = lanes_.revoke(which.which);
    while (lane_record* const each = waiting.pop()) {
        auto& gone = static_cast<held_record&>(*each);
        gone.cancel(schedule_);
        free_chain(&gone, 1);
    }
    for (auto at = loose_.begin(); at != loose_.end();) {
        held_record& gone = **at;
        if (gone.of != &which) {
            ++at;
            continue;
        }
        at = loose_.erase(at);
        gone.cancel(schedule_);
        free_chain(&gone, 1);
    }
    which.kept = record_batch();
    which.drains = false;
    std::erase(draining_, &which);
    if (which.parks) which.parks->close();
    if (which.origin.ticket != 0) which.keeper->end(which.origin.ticket);
    which.ledger.revoke();
    which.is_over = true;
}

std::size_t dispatcher::in_hand(const tenancy& of) const noexcept {
    const auto counted = gate_.of(of.which.partition);
    return counted.runnable_records + counted.waiting_records;
}

} // namespace corvid

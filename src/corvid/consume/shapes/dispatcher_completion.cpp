// SPDX-License-Identifier: Apache-2.0
//
// Records that a completion stage holds open (docs/decisions/0015): they are open ones, and these are the
// differences. When a record is decided upon every handler of its lane has ended: all that they handed in
// stands in front of the reopening, and behind it what is handed in anew.
#include <corvid/consume/context.hpp>
#include <corvid/consume/detail/dispatcher.hpp>
#include <corvid/consume/positions/position_keeper.hpp>
#include <corvid/consume/shapes/completion_stage.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>

namespace corvid {

namespace {

// What the stage could not do is asked again soon: it waits itself for what takes longer.
constexpr duration not_an_attempt = std::chrono::milliseconds(100);

} // namespace

// Its lane begins again. False: it was no attempt, and the record comes again.
bool dispatcher::is_attempt(held_record& failed, const std::optional<error>& why) {
    reader_.completes->reopen(lane_number(failed, lanes_.ordering()));
    if (!why || reader_.completes->is_attempt(*why)) return true;
    tell(log_level::debug, "a record is handed in again", *why, failed);
    set_aside(failed, loop_.steady_now() + not_an_attempt);
    return false;
}

// Its records are the stage's from now on.
void dispatcher::take_seat(tenancy& at, std::span<const record> records) {
    if (at.origin.ticket == 0)
        at.origin.ticket =
            at.keeper->begin(at.origin.where, at.position.value_or(offset(records.front().offset)),
                             at.position.has_value(), owner_.when_moved_back(at));
    at.keeper->took(at.origin.ticket, records);
}

// They are handled once more, behind the one before them. What was judged was not handed in.
void dispatcher::take_back(const held_record* first, std::size_t count) {
    for (; count > 0; --count, first = first->following())
        if (const tenancy& of = *first->of; of.keeper && !of.is_over && !first->judged)
            of.keeper->take_back(of.origin.ticket, offset(first->offset));
}

// It is at work: first of its lane, or in none. What it waits for already, it waits for, too.
void dispatcher::complete_dead_letter(held_record& what) {
    run over(loop_, nullptr);
    over.over(what, 1, what.of->origin);
    context record(over);
    reader_.completes->dead_lettered(record);
    what.open = over.exchange_published(nullptr);
    what.open ? wait_for(what) : settled(what);
}

// Nothing can be done for it but to ask again, and that only where the stage was closed for others of its
// lane. One that is cut off is read again, by whoever has the partition next.
void dispatcher::dead_letter_completed(held_record& what) {
    if (what.of->keeper && what.offset >= what.of->cut) return leave(what.in(), &what, 1);
    if (*what.failure().why == errc::effect_held) {
        reader_.completes->reopen(lane_number(what, lanes_.ordering()));
        return complete_dead_letter(what);
    }
    tell(log_level::error, "a dead letter could not be marked: a duplicate of it may have its effect",
         *what.failure().why, what);
    settled(what);
}

} // namespace corvid

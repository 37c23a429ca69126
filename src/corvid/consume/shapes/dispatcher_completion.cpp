// SPDX-License-Identifier: Apache-2.0
//
// Records that a completion stage holds open (docs/decisions/0015): they are open ones, and these are the
// differences. When a record is decided upon every handler of its lane has ended: all that they handed in
// stands in front of the reopening, and behind it what is handed in anew.
#include <corvid/consume/context.hpp>
#include <corvid/consume/detail/dispatcher.hpp>
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

// It is at work: first of its lane, or in none. What it waits for already, it waits for, too.
void dispatcher::complete_dead_letter(held_record& what) {
    run over(loop_, [](work&) noexcept {});
    over.over(what, 1, what.of->origin);
    context record(over);
    reader_.completes->dead_lettered(record);
    what.open = over.exchange_published(nullptr);
    what.open ? wait_for(what) : settled(what);
}

// Nothing can be done for it but to ask again, and that only where the stage was closed for others of its
// lane.
void dispatcher::dead_letter_completed(held_record& what) {
    if (*what.why == errc::effect_held) {
        reader_.completes->reopen(lane_number(what, lanes_.ordering()));
        return complete_dead_letter(what);
    }
    tell(log_level::error, "a dead letter could not be marked: a duplicate of it may have its effect",
         *what.why, what);
    settled(what);
}

} // namespace corvid

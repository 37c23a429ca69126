// SPDX-License-Identifier: Apache-2.0
//
// The dispatcher's side of parking: which records of a dead key run, and how a key dies.
#include <corvid/consume/detail/dispatcher.hpp>

#include <algorithm>
#include <functional>

namespace corvid {

void dispatcher::park_keys(tenancy& of, broker::cluster& cluster, broker::source_listener& listener,
                           publisher& by) {
    parking_owner& owner = *this;
    of.parks = std::make_shared<parking>(of, owner, cluster, loop_, listener, by);
}

// How many records of a run, from the first, a handler may have. 0: the first does not run, and is on its
// way.
std::size_t dispatcher::runnable_of(const lane_run& chosen, held_record& first) {
    tenancy& of = *first.of;
    if (!first.what().key) return chosen.count;
    const std::string_view key = first.what().key.text();
    if (first.is_released && !of.takes_in()) return leave(chosen.of, &first, 1), 0;
    std::size_t count = 0;
    const held_record* each = &first;
    for (; count < chosen.count && each->is_released == first.is_released; each = each->following(), ++count)
        if (of.parks->keys.fate_of(key, corvid::offset(each->offset), each->is_released) !=
            dead_keys::fate::runs)
            break;
    if (count == 0)
        park(first);
    else if (count < chosen.count)
        lanes_.narrow(*chosen.of, count);
    return count;
}

void dispatcher::park(held_record& what) {
    tenancy& of = *what.of;
    const std::string_view key = what.what().key.text();
    const auto fate = of.parks->keys.fate_of(key, corvid::offset(what.offset), what.is_released);
    if (fate == dead_keys::fate::gone) return leave(what.in(), &what, 1);
    note_failure(what, error(errc::key_is_dead, {.operation = "handle",
                                                 .topic = of.origin.where.topic.str(),
                                                 .partition = of.origin.where.partition.value,
                                                 .offset = what.offset}));
    what.goes = held_record::destination::dead_letters;
    if (fate == dead_keys::fate::is_parked) {
        what.goes = held_record::destination::parked;
        of.parks->keys.begin_park(key);
    }
    transfer(what);
}

void dispatcher::place_released(tenancy& at, const record& source, const header_list& its_headers) {
    held_record& what = *held_record::copy(source, its_headers).release();
    what.scope = at.which.partition;
    what.of = &at;
    what.from = at.which;
    what.hash = std::hash<std::string_view>{}(what.key.text());
    what.is_released = true;
    place(what);
}

void dispatcher::mark_released(held_record& what) {
    what.is_released = false;
    what.of->parks->keys.returned(what.what().key.text());
}

void dispatcher::answered(tenancy& of) noexcept {
    --of.at_work;
    owner_.work_ended(of);
}

// --- how a key dies ---------------------------------------------------------------------------------------

// A record of the source is marked before its letter is written: should it come again, it does not run. One
// that was given back does not come again once the mark is there: its letter goes first. What has no key is a
// dead letter, and nothing is behind it.
void dispatcher::give_up_key(held_record& what) {
    const bool marks_first =
        what.of->parks && what.what().key && !what.is_released &&
        what.of->parks->keys.begin_mark(what.what().key.text(), corvid::offset(what.offset));
    transfer_to(marks_first ? held_record::destination::dead_key : held_record::destination::dead_letters,
                what, {});
}

void dispatcher::arrived(held_record& what, corvid::offset at) {
    tenancy& of = *what.of;
    switch (what.goes) {
    case held_record::destination::dead_key:
        of.parks->keys.marked(what.what().key.text(), corvid::offset(what.offset), at.value);
        of.figures.dead_keys.set(static_cast<double>(of.parks->keys.size()));
        if (what.is_released) break;
        what.goes = held_record::destination::dead_letters;
        what.note_failure().transfers = 0;
        return transfer(what);
    case held_record::destination::parked:
        of.figures.parked.add();
        of.parks->keys.parked(what.what().key.text(), at.value);
        break;
    case held_record::destination::retry_topic:
        of.figures.retried.add();
        break;
    default:
        of.figures.rejected.add();
        of.figures.dead_letters(*what.failure().why).add();
        if (what.is_released) return mark_key(what);
    }
    const bool is_dead_letter = what.goes == held_record::destination::dead_letters ||
                                what.goes == held_record::destination::dead_key;
    reader_.completes&& is_dead_letter ? complete_dead_letter(what) : settled(what);
}

void dispatcher::mark_key(held_record& what) {
    if (!what.of->parks->keys.begin_mark(what.what().key.text(), corvid::offset(what.offset)))
        return settled(what);
    what.goes = held_record::destination::dead_key;
    what.note_failure().transfers = 0;
    transfer(what);
}

// What keeps the window full and is in back-off is not tried again. What a handler is at cannot be moved.
void dispatcher::park_oldest(tenancy& at, offset pin) {
    held_record* oldest = nullptr;
    if (lane* const in = lanes_.beginning_with(at.which, pin)) {
        if (in->now() == lane::state::blocked) oldest = static_cast<held_record*>(&in->front());
    } else {
        const auto its = std::ranges::find_if(
            loose_, [&](const held_record* each) { return each->of == &at && each->offset == pin.value; });
        if (its != loose_.end()) oldest = *its;
    }
    if (!oldest || oldest->is_released || oldest->goes != held_record::destination::none ||
        !oldest->failure().why)
        return;
    oldest->cancel(schedule_);
    if (lane* const in = oldest->in())
        static_cast<void>(lanes_.take_front(*in, 1));
    else
        loose_.erase(oldest);
    tell(log_level::error, "the record that keeps the window full is given up", *oldest->failure().why,
         *oldest);
    reader_.failure.rejected == when_rejected::park_key
        ? give_up_key(*oldest)
        : transfer_to(held_record::destination::dead_letters, *oldest, {});
}

} // namespace corvid

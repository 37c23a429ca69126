// SPDX-License-Identifier: Apache-2.0
//
// Records that were handled and wait for what was published for them (docs/decisions/0014): open ones. They
// are at work in their lane, in order, and so are the records of the key that were handled behind them:
//
//   front ─▶ ● open   ● answered   ● open   ○ handled, published nothing   · may follow, or waits
//                                           × judged: its handler said other than done; none follows
//
// A record leaves when it is first and answered. One that failed is tried again when it is first, and all
// behind it come again with it. One that is judged is decided upon when it is first. Unordered records wait
// alone.
#include <corvid/consume/detail/dispatcher.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>

#include <algorithm>

namespace corvid {

namespace {

held_record& front_of(lane& in) noexcept { return static_cast<held_record&>(in.front()); }

} // namespace

// The next record of its key may be run at once.
bool dispatcher::is_open(const lane& in, const tenancy& at) const noexcept {
    const auto& front = static_cast<const held_record&>(in.front());
    return in.now() == lane::state::running && front.waits && in.at_work() == in.length() &&
           front.from == at.which && !static_cast<const held_record&>(in.back()).judged;
}

// While records are open: what is not done yet is held.
void dispatcher::mark_inline(tenancy& at, const record_batch& batch, std::span<const record> finished) {
    auto open = inline_.open().begin();
    for (std::size_t i = 0; i < finished.size(); ++i) {
        publish_tally* const waits =
            open != inline_.open().end() && open->index == i ? (open++)->waits : nullptr;
        const bool behind =
            !waits && lanes_.ordering() != unordered && lane_of(at, finished[i], batch) != nullptr;
        if (waits || behind)
            hold_open(at, finished[i], batch, waits);
        else
            at.ledger.mark(at.which.since, offset(finished[i].offset));
    }
}

void dispatcher::hold_open(tenancy& at, const record& what, const record_batch& batch, publish_tally* waits) {
    held_record& made = hold(at, what, batch);
    made.open = waits;
    if (lanes_.ordering() != unordered) {
        lane* const in = lanes_.find(made);
        if (in && !is_open(*in, at)) { // one before it has failed meanwhile: it comes again behind that
            abandon_open(&made, 1);
            return place(made);
        }
        in ? lanes_.join_work(*in, made) : static_cast<void>(lanes_.add_at_work(made));
    }
    gate_.runnable(made);
    if (waits) wait_for(made);
}

void dispatcher::wait_for(held_record& what) {
    ++what.of->at_work;
    ++open_;
    what.waits = true;
    const bool answered = what.open->bind(*this, what, loop_, [](work& w) noexcept {
        auto& all = static_cast<publish_tally&>(w);
        all.by().published(all);
    });
    if (answered) published(*what.open);
}

void dispatcher::published(publish_tally& all) noexcept {
    held_record* const what = all.what();
    tenancy& of = all.of();
    --of.at_work;
    auto failure = all.take();
    if (what) answered(*what, std::move(failure));
    owner_.work_ended(of);
}

void dispatcher::answered(held_record& what, std::optional<outcome> failure) {
    --open_;
    what.open = nullptr;
    what.waits = false;
    if (failure) {
        what.note_failure().why = failure->why();
        what.said = failure->kind();
        what.unpublished = true;
    }
    if (lane* const in = what.in())
        advance(*in);
    else
        leave_open(what);
}

// The first of its lane, or in none: what it published is answered.
void dispatcher::leave_open(held_record& what) {
    const bool failed = std::exchange(what.unpublished, false) && !what.of->is_over;
    if (failed && what.goes != held_record::destination::none) return dead_letter_completed(what);
    if (!failed) return settled(what);
    what.memo = 0;
    decide(what, {what.said, *what.failure().why});
}

// The first records of the lane leave, as far as they are answered.
void dispatcher::advance(lane& in) {
    for (std::size_t left = in.at_work(); left > 0; --left) {
        held_record& first = front_of(in);
        if (first.open) return;
        if (first.judged) return decide_judged(first);
        if (first.unpublished && !first.of->is_over) {
            take_back(first.following(), left - 1);
            abandon_open(first.following(), left - 1);
            return leave_open(first);
        }
        if (left == 1) return settled(first);
        mark_done(first);
        lanes_.complete(in, 1);
        free_chain(&first, 1);
    }
}

// Its outcome is decided upon when what is before it has left.
void dispatcher::judge(held_record& failed, const outcome& what) {
    failed.judged = true;
    failed.said = what.kind();
    failed.note_failure().why = what.why();
    if (!failed.is_released) failed.of->high = std::max(failed.of->high, failed.offset);
}

void dispatcher::decide_judged(held_record& what) {
    what.judged = false;
    if (what.of->is_over) return leave(what.in(), &what, 1);
    const std::optional<error>& why = what.failure().why;
    decide(what, why ? outcome(what.said, *why) : outcome(what.said));
}

// They come again, or are over.
void dispatcher::abandon_open(held_record* first, std::size_t count) noexcept {
    for (; count > 0; --count, first = first->following()) {
        first->unpublished = first->waits = first->judged = false;
        publish_tally* const waits = std::exchange(first->open, nullptr);
        if (!waits) continue;
        if (waits->is_bound()) {
            --open_;
            waits->abandon();
        } else {
            waits->leave();
        }
    }
}

// False: nobody is to wait, as the partition is over.
bool dispatcher::keep_open(work_run& over) {
    tenancy& of = *over.of;
    if (of.is_over) return abandon_open(over.first, over.marked), false;
    if (!over.in) return keep_open_unordered(over), true;
    if (over.undecided()) {
        judge(*over.unmarked, *over.undecided());
        lanes_.narrow(*over.in, over.marked + 1);
    } else if (over.marked < over.size()) { // the rest waits behind, and comes again
        if (!of.takes_in() && !over.unmarked->is_released) of.cut_at(over.unmarked->offset);
        lanes_.narrow(*over.in, over.marked);
    }
    std::vector<held_record*> open;
    held_record* each = over.first;
    for (std::size_t i = 0; i < over.marked; ++i, each = each->following())
        if (each->open) open.push_back(each);
    advance(*over.in);
    for (held_record* const one : open) // some may be answered here and now, or fail and with them the rest
        if (one->open && !one->open->is_bound()) wait_for(*one);
    return true;
}

// The records have left the lanes.
void dispatcher::keep_open_unordered(work_run& over) {
    tenancy& of = *over.of;
    held_record* each = over.first;
    for (std::size_t i = 0; i < over.size(); ++i) {
        held_record& one = *std::exchange(each, each->following());
        if (i == over.marked && over.undecided()) {
            decide(one, *over.undecided());
        } else if (i >= over.marked) {
            if (!of.takes_in()) of.cut_at(one.offset);
            place(one);
        } else if (one.open) {
            wait_for(one);
        } else {
            free_chain(&one, 1);
        }
    }
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/dispatcher.hpp>

#include <corvid/middleware/attempt_chain.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

namespace {

// More runs than can be inside or wait at a bulkhead of the handler's own would only be refused.
std::size_t most_at_work(const subscription& of) noexcept {
    const std::size_t room = of.chain ? of.chain->room(of.handle->is_coroutine()) : of.concurrency;
    return std::min(of.concurrency, room);
}

} // namespace

dispatcher::dispatcher(subscription& handles, scheduler& loop, dispatch_owner& owner,
                       const transfers& elsewhere, worker_pool* workers)
    : reader_(handles),
      loop_(loop),
      owner_(owner),
      elsewhere_(elsewhere),
      where_(workers, *handles.handle, handles.order),
      most_at_work_(most_at_work(handles)),
      chain_(handles.chain.get()),
      policy_(handles.failure),
      lanes_(handles.order),
      gate_(handles.intake),
      inline_(loop, nullptr) {
    if (handles.batch) batches_.emplace(*handles.batch, handles.concurrency);
}

// What is left belongs to a client that ended without giving its partitions back.
dispatcher::~dispatcher() {
    std::vector<held_record*> rest(loose_.begin(), loose_.end());
    lanes_.for_each([&](const lane& in) { // the records are ours, whatever the set shows of them
        auto* each = static_cast<held_record*>(const_cast<lane_record*>(&in.front()));
        for (; each; each = each->following())
            rest.push_back(each);
    });
    for (held_record* each : rest) {
        each->is_released = false; // whose tenancy is gone
        each->cancel(schedule_);
        abandon_open(each, 1);
        free_chain(each, 1);
    }
}

bool dispatcher::start_ready(int most) {
    if (batches_) {
        start_batches();
        where_.flush();
        return false;
    }
    const std::size_t length =
        lanes_.ordering() == unordered ? where_.length_unordered(lanes_.records()) : run::most;
    while (where_.begins() && at_work_.size() < most_at_work_ && lanes_.ready() > 0 && may_begin() &&
           most-- > 0)
        begin(lanes_.take(length));
    where_.flush();
    return where_.has_come(lanes_.ready()) || most < 0;
}

void dispatcher::begin(const lane_run& chosen) {
    work_run* const fresh = prepare(chosen);
    if (fresh) start(*fresh);
}

void dispatcher::start(work_run& fresh) {
    if (!where_.is_here())
        where_.give(fresh, batches_ ? nullptr : fresh.in, *fresh.first);
    else if (fresh.start(*reader_.handle))
        ended(fresh);
}

dispatcher::work_run* dispatcher::prepare(const lane_run& chosen) {
    auto& first = static_cast<held_record&>(*chosen.first);
    tenancy& of = *first.of;
    if (first.offset >= of.cut && !first.is_released) return leave(chosen.of, &first, chosen.count), nullptr;
    if (!chosen.of || chosen.of->has_waited()) {
        held_record* each = &first;
        for (std::size_t i = 0; i < chosen.count; ++i, each = each->following())
            gate_.runnable(*each);
    }
    if (first.offset == of.condemned && !first.is_released) [[unlikely]]
        return condemn(first), nullptr;
    const std::size_t count = has_dead_keys(of) ? runnable_of(chosen, first) : chosen.count;
    if (count == 0) return nullptr;
    if (idle_.empty()) idle_.push_back(runs_.emplace_back(std::make_unique<work_run>(*this)).get());
    work_run& fresh = *idle_.back();
    idle_.pop_back();
    fresh.over(first, count, of.origin, of.cut);
    fresh.of = &of;
    fresh.in = chosen.of;
    fresh.first = fresh.unmarked = &first;
    fresh.marked = 0;
    fresh.began = loop_.steady_now();
    fresh.seen = work_run::unseen;
    fresh.place = at_work_.size();
    if (chain_) {
        fresh.pay(chain_->begin_run());
        fresh.probes = chain_->is_probing();
        probing_ += fresh.probes;
    }
    at_work_.push_back(&fresh);
    ++of.at_work;
    return &fresh;
}

void dispatcher::mark_done_part(work_run& of) {
    const std::size_t finished = of.index();
    while (of.marked < finished) {
        if (of.unmarked->open)
            of.of->high = std::max(of.of->high, of.unmarked->offset);
        else
            mark_done(*of.unmarked);
        if (++of.marked < of.size()) of.unmarked = of.unmarked->following();
    }
}

void dispatcher::note_progress() {
    for (work_run* each : at_work_)
        mark_done_part(*each);
}

void dispatcher::came_back(run& over) noexcept {
    if (returned_.empty()) owner_.runs_came_back();
    returned_.push_back(&static_cast<work_run&>(over));
}

// What they touch has left the cache since they were begun, the records longer ago than the runs: it is asked
// for while those before them are settled.
bool dispatcher::settle_returned() noexcept {
    constexpr std::size_t ahead = 2, most = 256; // timers have their turn in between
    const std::size_t count = std::min(returned_.size(), most);
    for (std::size_t i = 0; i < count + ahead; ++i) {
        if (i < count) prefetch(returned_[i], sizeof(work_run));
        if (i > 0 && i <= count) {
            const work_run& next = *returned_[i - 1];
            if (next.in) prefetch(next.in, sizeof(lane));
            next.foresee_done();
        }
        if (i >= ahead) ended(*returned_[i - ahead]);
    }
    returned_.erase(returned_.begin(), returned_.begin() + static_cast<std::ptrdiff_t>(count));
    return !returned_.empty();
}

void dispatcher::ended(work_run& over) noexcept {
    tenancy& of = *over.of;
    where_.ended(over);
    mark_done_part(over);
    --of.at_work;
    at_work_[over.place] = at_work_.back();
    at_work_[over.place]->place = over.place;
    at_work_.pop_back();
    probing_ -= std::exchange(over.probes, false);
    if (const auto until = over.not_before()) hold_back(until);
    if (over.marked > 0) {
        of.figures.done.add(over.marked - over.skipped());
        of.figures.skipped.add(over.skipped());
        of.figures.handling.observe(batches_ ? (loop_.steady_now() - over.began) /
                                                   static_cast<std::int64_t>(over.share)
                                             : over.took() / static_cast<std::int64_t>(over.marked),
                                    over.marked);
    }
    if (batches_) batches_->ended(over.slot);
    if (over.marked < over.size()) over.unmarked->kept = over.exchange_published(nullptr);
    settle_run(over);
    idle_.push_back(&over);
    owner_.work_ended(of);
}

void dispatcher::settle_run(work_run& over) {
    tenancy& of = *over.of;
    const std::size_t finished = over.marked;
    if (over.has_open() && keep_open(over)) return;
    if (finished == over.size() || of.is_over) return leave(over.in, over.first, over.size());
    if (!over.in) return settle_unordered(over);
    if (!over.undecided()) return give_back_rest(of, *over.in, *over.unmarked, over.first, finished);
    if (finished > 0) {
        lanes_.complete(*over.in, finished);
        free_chain(over.first, finished);
    }
    if (batches_)
        decide(*over.unmarked, *over.undecided(), over.random);
    else
        decide(*over.unmarked, *over.undecided());
}

void dispatcher::leave(lane* in, held_record* first, std::size_t count) noexcept {
    if (in) lanes_.finish(*in, count);
    free_chain(first, count);
}

void dispatcher::free_chain(held_record* first, std::size_t count) noexcept {
    while (count-- > 0) {
        const held_record::owner gone(first);
        first = first->following();
        gate_.leave(*gone);
        if (gone->is_released) gone->of->parks->keys.forsaken(gone->what().key.text());
    }
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/dispatcher.hpp>

#include <corvid/middleware/attempt_chain.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace corvid {

namespace {

// The ledger's own window is wider than the engine's by what one batch may add to it (every record behind a
// gap that has bits), so that a batch that was taken always fits.
constexpr std::int64_t most_of_a_batch = static_cast<std::int64_t>(run::most) * 257;

constexpr std::uint32_t all_partitions = std::numeric_limits<std::uint32_t>::max();

std::uint64_t hash_of(const optional_bytes& key) noexcept {
    return std::hash<std::string_view>{}(key.text());
}

// More runs than can be inside or wait at a bulkhead of the handler's own would only be refused.
std::size_t most_at_work(const subscription& of) noexcept {
    const std::size_t room = of.chain ? of.chain->room(of.handle->is_coroutine()) : of.concurrency;
    return std::min(of.concurrency, room);
}

} // namespace

dispatcher::work_run::work_run(dispatcher& d) noexcept
    : run(d.loop_,
          [](corvid::work& w) noexcept {
              auto& self = static_cast<work_run&>(run::of(w));
              self.by.ended(self);
          }),
      by(d) {}

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
      schedule_(std::numeric_limits<std::size_t>::max()),
      inline_(loop, [](work&) noexcept {}) {
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
        schedule_.cancel(*each);
        abandon_open(each, 1);
        free_chain(each, 1);
    }
}

ledger_settings dispatcher::window() const noexcept {
    ledger_settings wider = reader_.window;
    wider.max_uncommitted += most_of_a_batch;
    return wider;
}

// --- intake -----------------------------------------------------------------------------------------------

bool dispatcher::is_held_by_partition(const tenancy& of) const noexcept {
    if (lanes_.ordering() != by_partition) return false;
    lane_record probe;
    probe.from = of.which;
    const lane* const in = lanes_.find(probe);
    if (in && where_.is_immediate() && is_open(*in, of)) return false;
    return in &&
           (where_.is_immediate() || in->now() == lane::state::blocked || in->length() >= 2 * longest_run());
}

intake_stop dispatcher::why_stopped(const tenancy& of) const noexcept {
    if (of.ledger.is_assigned() && of.ledger.room() <= most_of_a_batch) return intake_stop::window_full;
    const intake_stop why = gate_.why_stopped(of.which.partition);
    return why == intake_stop::open && held_until_ ? intake_stop::held_back : why;
}

bool dispatcher::take_in(tenancy& from, broker::record_source& source, std::size_t most) {
    if (why_stopped(from) == intake_stop::window_full) park_oldest(from);
    const bool is_kept = !from.kept.empty();
    if ((!is_kept && !from.may_have_more) || !from.takes_in() || why_stopped(from) != intake_stop::open ||
        !where_.takes_in() || is_held_by_partition(from) || !may_take_for_chain())
        return false;
    const record_batch batch =
        is_kept ? std::exchange(from.kept, record_batch()) : source.take(from.slot, most);
    if (batch.empty()) {
        from.may_have_more = false;
        return false;
    }
    note_arrival(from, batch);
    if (from.tier > 0) {
        for (const record& each : batch.records())
            place_when_due(hold(from, each, batch));
    } else if (where_.is_immediate() && from.condemned < 0) {
        work_inline(from, batch);
    } else {
        for (const record& each : batch.records())
            place(hold(from, each, batch));
    }
    return true;
}

void dispatcher::note_arrival(tenancy& at, const record_batch& batch) {
    track(at, batch.records());
    const std::int64_t newest = batch.records().back().timestamp;
    if (newest >= 0)
        at.figures.age.observe(loop_.wall_now().time_since_epoch() - std::chrono::milliseconds(newest),
                               batch.size());
}

void dispatcher::track(tenancy& at, std::span<const record> records) {
    if (!at.ledger.is_assigned()) {
        at.first = records.front().offset;
        at.ledger.assign(at.which.since, offset(at.first));
    }
    const offset end(records.back().offset + 1);
    const std::int64_t missing =
        end.value - at.ledger.end().value - static_cast<std::int64_t>(records.size());
    if (missing <= 0) {
        at.ledger.track_to(end);
        return;
    }
    at.figures.gaps.add(static_cast<std::uint64_t>(missing));
    for (const record& each : records) {
        at.ledger.skip_to(offset(each.offset));
        at.ledger.track_to(offset(each.offset).next());
    }
}

// A handler that ends at once runs over the batch itself, in the order of the partition, which is that of
// every key. Only what comes behind a record that waits is copied and goes the way through the lanes.
void dispatcher::work_inline(tenancy& at, const record_batch& batch) {
    const auto records = batch.records();
    for (std::size_t i = 0; i < records.size() && records[i].offset < at.cut;) {
        const std::size_t to = held_until_ ? i : free_until(at, batch, i);
        if (to == i)
            place(hold(at, records[i++], batch));
        else
            i += run_over(at, batch, i, to);
    }
}

std::size_t dispatcher::free_until(const tenancy& at, const record_batch& batch, std::size_t from) {
    const auto records = batch.records();
    if ((lanes_.empty() && !has_dead_keys(at)) || lanes_.ordering() == unordered) return records.size();
    for (; from < records.size() && !is_of_dead_key(at, records[from]); ++from)
        if (const lane* const its = lane_of(at, records[from], batch); its && !is_open(*its, at)) break;
    return from;
}

std::optional<std::string> dispatcher::lane_key_of(const tenancy& at, const record& what,
                                                   const record_batch& batch) const {
    try {
        return reader_.key({.topic = at.origin.where.topic.str(),
                            .where = at.origin.where.partition,
                            .source = &what,
                            .batch = &batch});
    } catch (...) {
        return std::nullopt;
    }
}

const lane* dispatcher::lane_of(const tenancy& at, const record& what, const record_batch& batch) {
    lane_record probe;
    probe.from = at.which;
    probe.scope = at.which.partition;
    probe.key = what.key;
    std::optional<std::string> made;
    if (reader_.key) {
        made = lane_key_of(at, what, batch);
        probe.key = made ? optional_bytes(*made) : optional_bytes();
        probe.scope = all_partitions;
    }
    if (lanes_.ordering() == by_key && probe.key) probe.hash = hash_of(probe.key);
    return lanes_.find(probe);
}

// Answers how many records are behind it: those that are done, and the one that failed.
std::size_t dispatcher::run_over(tenancy& at, const record_batch& batch, std::size_t from, std::size_t to) {
    const auto records = batch.records().subspan(from, to - from);
    inline_.over(records, batch, at.origin);
    if (chain_) inline_.pay(chain_->begin_run());
    static_cast<void>(inline_.start(*reader_.handle));
    where_.ended(inline_);
    hold_back(inline_.not_before());
    const std::size_t finished = inline_.index();
    if (finished > 0) {
        const offset first(records[0].offset), last(records[finished - 1].offset);
        const auto count = static_cast<std::int64_t>(finished);
        at.high = std::max(at.high, last.value);
        at.figures.done.add(finished - inline_.skipped());
        at.figures.skipped.add(inline_.skipped());
        at.figures.handling.observe(inline_.took() / count, finished);
        if (open_ > 0 || inline_.has_open())
            mark_inline(at, batch, records.first(finished));
        else if (last.value - first.value + 1 == count)
            at.ledger.mark(at.which.since, first, count);
        else
            for (const record& each : records.first(finished))
                at.ledger.mark(at.which.since, offset(each.offset));
    }
    if (!inline_.undecided()) {
        if (finished == records.size()) return finished;
        place(hold(at, records[finished], batch)); // left over without a word: it comes again
        return finished + 1;
    }
    held_record& failed = hold(at, records[finished], batch);
    failed.memo = inline_.memo();
    failed.kept = inline_.exchange_published(nullptr);
    if (lanes_.ordering() != unordered && lanes_.find(failed)) { // its key is open: it comes again behind
        place(failed);
        return finished + 1;
    }
    if (lanes_.ordering() != unordered) lanes_.add_at_work(failed);
    gate_.runnable(failed);
    decide(failed, *inline_.undecided());
    return finished + 1;
}

held_record& dispatcher::hold(tenancy& at, const record& what, const record_batch& batch) {
    held_record::owner made;
    if (reader_.key) {
        const auto text = lane_key_of(at, what, batch);
        const optional_bytes key = text ? optional_bytes(*text) : optional_bytes();
        made = held_record::copy(what, batch.headers_of(what), &key);
        made->scope = all_partitions;
    } else {
        made = held_record::copy(what, batch.headers_of(what));
        made->scope = at.which.partition;
    }
    made->of = &at;
    made->from = at.which;
    if (lanes_.ordering() == by_key && made->key) made->hash = hash_of(made->key);
    return *made.release();
}

void dispatcher::place(held_record& what) {
    const lane& in = lanes_.add(what);
    const bool waits =
        lanes_.ordering() != unordered && (in.now() == lane::state::blocked || in.length() > longest_run());
    waits ? gate_.waiting(what) : gate_.runnable(what);
}

// A record of a retry topic waits on its own, in no lane: its order was given up.
void dispatcher::place_when_due(held_record& what) {
    const auto left = read_retry(what) - loop_.wall_now();
    if (left <= duration::zero()) return place(what);
    loose_.insert(&what);
    gate_.waiting(what);
    what.of->put_off = true;
    static_cast<void>(schedule_.add(loop_.steady_now() + left, what));
}

// --- runs -------------------------------------------------------------------------------------------------

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
    held_record* each = &first;
    for (std::size_t i = 0; i < chosen.count; ++i, each = each->following())
        gate_.runnable(*each);
    if (first.offset == of.condemned && !first.is_released) [[unlikely]]
        return condemn(first), nullptr;
    const std::size_t count = has_dead_keys(of) ? runnable_of(chosen, first) : chosen.count;
    if (count == 0) return nullptr;
    if (idle_.empty()) idle_.push_back(runs_.emplace_back(std::make_unique<work_run>(*this)).get());
    work_run& fresh = *idle_.back();
    idle_.pop_back();
    fresh.over(first, count, of.origin);
    fresh.stop_before(of.cut);
    fresh.of = &of;
    fresh.in = chosen.of;
    fresh.first = fresh.unmarked = &first;
    fresh.marked = 0;
    fresh.began = fresh.seen_since = loop_.steady_now();
    fresh.seen = 0;
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

void dispatcher::ended(work_run& over) noexcept {
    tenancy& of = *over.of;
    where_.ended(over);
    mark_done_part(over);
    --of.at_work;
    at_work_[over.place] = at_work_.back();
    at_work_[over.place]->place = over.place;
    at_work_.pop_back();
    probing_ -= std::exchange(over.probes, false);
    hold_back(over.not_before());
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

// SPDX-License-Identifier: Apache-2.0
//
// What is taken in, what of it runs over the batch at once, and what is held.
#include <corvid/consume/detail/dispatcher.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <utility>

namespace corvid {

namespace {

// The ledger's own window is wider than the engine's by what one batch may add to it (every record behind a
// gap that has bits), so that a batch that was taken always fits.
constexpr std::int64_t most_of_a_batch = static_cast<std::int64_t>(run::most) * 257;

constexpr std::uint32_t all_partitions = std::numeric_limits<std::uint32_t>::max();

// What copying it will read, which another thread has written.
void foresee(const record& each) noexcept {
    constexpr std::size_t most = 256;
    if (each.value) prefetch(each.value.data(), std::min(each.value.size(), most));
    if (each.key) prefetch(each.key.data(), std::min<std::size_t>(each.key.size(), 64));
}

std::uint64_t hash_of(const optional_bytes& key) noexcept {
    return std::hash<std::string_view>{}(key.text());
}

} // namespace

ledger_settings dispatcher::window() const noexcept {
    ledger_settings wider = reader_.window;
    wider.max_uncommitted += most_of_a_batch;
    return wider;
}

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
    if (of.ledger.pinned(most_of_a_batch)) return intake_stop::window_full;
    const intake_stop why = gate_.why_stopped(of.which.partition);
    return why == intake_stop::open && held_until_ ? intake_stop::held_back : why;
}

bool dispatcher::take_in(tenancy& from, broker::record_source& source, std::size_t most) {
    if (const auto pin = from.ledger.pinned(most_of_a_batch);
        pin && pin->then == when_window_full::park_oldest)
        park_oldest(from, pin->by);
    const bool is_kept = !from.kept.empty();
    if ((!is_kept && !from.may_have_more) || !from.takes_in() || why_stopped(from) != intake_stop::open ||
        !where_.takes_in() || is_held_by_partition(from) || !may_take_for_chain() ||
        (from.tier > 0 && loop_.steady_now() < from.next_take))
        return false;
    const record_batch batch = is_kept ? std::exchange(from.kept, record_batch())
                                       : source.take(from.slot, std::min(most, from.most_at_once()));
    if (batch.empty()) {
        from.may_have_more = false;
        return false;
    }
    note_arrival(from, batch);
    if (from.tier > 0) {
        for (const record& each : batch.records())
            place_when_due(hold(from, each, batch));
    } else if (where_.is_immediate() && from.condemned < 0 && !reader_.completes) {
        work_inline(from, batch);
    } else {
        place_all(from, batch);
    }
    return true;
}

void dispatcher::place_all(tenancy& at, const record_batch& batch) {
    constexpr std::size_t at_once = 32, ahead = 6;
    std::array<lane_record*, at_once> held{};
    for (auto left = batch.records(); !left.empty(); left = left.subspan(std::min(at_once, left.size()))) {
        const std::size_t count = std::min(at_once, left.size());
        for (std::size_t i = 0; i < count; ++i) {
            if (i + ahead < left.size()) foresee(left[i + ahead]);
            held[i] = &hold(at, left[i], batch);
        }
        lanes_.foresee({held.begin(), held.begin() + count});
        for (std::size_t i = 0; i < count; ++i)
            place(static_cast<held_record&>(*held[i]));
    }
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
    if (at.keeper) take_seat(at, records);
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
    if (lane* const in = lanes_.ordering() == unordered ? nullptr : lanes_.find(failed)) {
        judge_behind(*in, failed, *inline_.undecided());
        return finished + 1;
    }
    if (lanes_.ordering() != unordered) lanes_.add_at_work(failed);
    gate_.runnable(failed);
    decide(failed, *inline_.undecided());
    return finished + 1;
}

// Its key is open. Where one before it has failed meanwhile, it comes again behind that.
void dispatcher::judge_behind(lane& in, held_record& failed, const outcome& what) {
    if (!is_open(in, *failed.of)) return place(failed);
    lanes_.join_work(in, failed);
    gate_.runnable(failed);
    judge(failed, what);
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
    const bool may_leave = in.now() == lane::state::running && in.at_work() == 1; // for elsewhere
    const bool is_held_up =
        in.now() == lane::state::blocked || in.is_stalled() ||
        (may_leave && static_cast<const held_record&>(in.front()).goes != held_record::destination::none);
    const bool waits = lanes_.ordering() != unordered && (is_held_up || in.length() > longest_run());
    waits ? gate_.waiting(what) : gate_.runnable(what);
}

// A record of a retry topic waits on its own, in no lane: its order was given up. Those behind it are due
// later still: a few are held, the others wait where they are.
void dispatcher::place_when_due(held_record& what) {
    const duration whole = reader_.failure.retry_topics[what.of->tier - 1];
    const duration left = std::min<duration>(read_retry(what) - loop_.wall_now(), whole);
    if (left <= duration::zero()) return place(what);
    const steady_time due = loop_.steady_now() + left;
    loose_.insert(&what);
    gate_.waiting(what);
    what.of->put_off = true;
    what.of->next_take = std::max(what.of->next_take, due);
    schedule_.add(due, what.note_failure());
}

} // namespace corvid

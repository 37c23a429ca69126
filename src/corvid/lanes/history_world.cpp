// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/history_world.hpp>

#include <array>

namespace corvid::lanes_test {

history world::run() {
    const auto steps = 20 + random_.below(60);
    for (std::uint64_t i = 0; i < steps; ++i)
        step();
    failures_ = false;
    for (int i = 0; i < 400 && !is_over(); ++i)
        drain();
    told_.drained = is_over();
    return std::move(told_);
}

// --- what there is ------------------------------------------------------------------------------------

intake_settings world::tight(prng& random) {
    return {.runnable_records = 4 + random.below(30),
            .runnable_bytes = 60 + random.below(400),
            .waiting_bytes = 1 + random.below(200)};
}

failure_policy::settings world::choose() {
    return {.retry = {.first = duration(10), .limit = 1 + static_cast<int>(random_.below(4))},
            .rejected = random_.below(2) ? failure_policy::when_rejected::dead_letters
                                         : failure_policy::when_rejected::pass_over};
}

void world::write(int p) {
    auto& log = told_.log.emplace_back();
    std::int64_t at = below(5);
    for (std::uint64_t i = random_.below(25); i > 0; --i) {
        log.push_back({at, how_ != by_key ? p * 10 : p * 10 + static_cast<int>(random_.below(5))});
        at += 1 + (random_.below(3) ? 0 : below(random_.below(6) ? 4 : 2000));
    }
    auto& part = partitions_.emplace_back();
    part.ledger = offset_ledger(
        {.max_uncommitted = 3 + below(40),
         .when_full = random_.below(2) ? when_window_full::park_oldest : when_window_full::stop_partition});
}

void world::tell(event::kind what, const in_flight& r, std::int64_t value) {
    told_.add({what, static_cast<int>(r.from.partition), r.lane_id, r.offset, value});
}

// --- what may happen ----------------------------------------------------------------------------------

void world::step() {
    const int p = any_partition();
    switch (random_.below(16)) {
    case 0:
    case 1:
    case 2:
        return deliver(p);
    case 3:
    case 4:
    case 5:
        return take();
    case 6:
        return pass_time();
    case 7:
        return commit(p);
    case 8:
        return random_.below(3) ? assign(p) : revoke(p);
    default:
        if (!working_.empty()) work(random_.below(working_.size()));
    }
}

void world::drain() {
    for (int p = 0; p < static_cast<int>(partitions_.size()); ++p) {
        assign(p);
        deliver(p);
        commit(p);
    }
    pass_time();
    take();
    while (!working_.empty())
        work(0);
}

bool world::is_over() {
    for (std::size_t p = 0; p < partitions_.size(); ++p) {
        const auto& log = told_.log[p];
        if (partitions_[p].since == epoch::none || partitions_[p].position < log.size()) return false;
        if (!log.empty() && partitions_[p].committed != log.back().offset + 1) return false;
    }
    return working_.empty() && set_.empty();
}

// --- membership and commits ---------------------------------------------------------------------------

void world::assign(int p) {
    auto& part = at(p);
    if (part.since != epoch::none) return;
    part.since = epochs_ = next(epochs_);
    part.position = 0;
    while (part.position < log_of(p).size() && log_of(p)[part.position].offset < part.committed)
        ++part.position;
    part.ledger.assign(part.since, offset(part.committed));
    gate_.let_go(static_cast<std::uint32_t>(p), intake_stop::revoking);
    gate_.let_go(static_cast<std::uint32_t>(p), intake_stop::window_full);
}

void world::revoke(int p) {
    auto& part = at(p);
    if (part.since == epoch::none) return;
    if (random_.below(2)) commit(p);
    gate_.hold(static_cast<std::uint32_t>(p), intake_stop::revoking);
    const assignment which{static_cast<std::uint32_t>(p), part.since};
    record_chain out = set_.revoke(which);
    while (lane_record* r = out.pop()) {
        auto& mine = static_cast<in_flight&>(*r);
        schedule_.cancel(mine);
        drop(mine);
    }
    for (std::size_t i = alive_.size(); i-- > 0;) // unordered: what is in back-off is in no lane
        if (in_flight& r = *alive_[i]; r.from == which && schedule_.cancel(r)) drop(r);
    if (bug_ == bug::forgets_locks)
        for (at_work& w : working_)
            if (w.of && w.from == which) set_.finish(*std::exchange(w.of, nullptr), w.records.size());
    part.since = epoch::none;
    part.ledger.revoke();
    told_.add({event::kind::revoked, p});
}

void world::commit(int p) {
    auto& part = at(p);
    const auto next = part.ledger.frontier();
    if (!next) return;
    part.committed = bug_ == bug::commits_the_end ? part.ledger.end().value : next->value;
    told_.add({event::kind::committed, p, 0, part.committed});
}

// --- intake -------------------------------------------------------------------------------------------

void world::deliver(int p) {
    auto& part = at(p);
    for (auto n = 1 + random_.below(4); n > 0; --n) {
        if (part.since == epoch::none || part.position >= log_of(p).size() || !may_take(p)) return;
        const logged& r = log_of(p)[part.position];
        part.ledger.skip_to(offset(r.offset));
        if (part.ledger.track_to(offset(r.offset + 1)).value <= r.offset) {
            gate_.hold(static_cast<std::uint32_t>(p), intake_stop::window_full);
            return;
        }
        ++part.position;
        add(p, r);
    }
}

bool world::may_take(int p) {
    auto& part = at(p);
    const auto number = static_cast<std::uint32_t>(p);
    if (const auto pin = part.ledger.pinned(); pin && pin->then == when_window_full::park_oldest)
        park(p, pin->by);
    if (part.ledger.room() > 0) gate_.let_go(number, intake_stop::window_full);
    return gate_.may_take(number);
}

void world::add(int p, const logged& what) {
    auto& r = *alive_.emplace_back(std::make_unique<in_flight>());
    r.from = {static_cast<std::uint32_t>(p), at(p).since};
    r.offset = what.offset;
    r.lane_id = what.lane;
    r.scope = r.from.partition;
    r.bytes = 1 + static_cast<std::uint32_t>(random_.below(20));
    static constexpr std::array<std::string_view, 5> keys{"a", "b", "", "long", "longer"};
    if (how_ == by_key && what.lane % 10 != 4) // the fifth is null
        r.key = keys[static_cast<std::size_t>(what.lane % 10)];
    r.hash = static_cast<std::uint64_t>(what.lane % 2); // most collide
    place_in_lane(r);
}

void world::place_in_lane(in_flight& r) {
    const std::size_t before = set_.ready();
    const lane& in = set_.add(r);
    if (in.length() == 1) tell(event::kind::ready, r, static_cast<std::int64_t>(before));
    in.now() == lane::state::blocked || in.length() > 6 ? gate_.waiting(r) : gate_.runnable(r);
}

void world::park(int p, offset which) {
    lane* const in = set_.beginning_with({static_cast<std::uint32_t>(p), at(p).since}, which);
    if (!in || in->now() != lane::state::blocked) return; // it is at work, or soon will be
    auto& parked = static_cast<in_flight&>(in->front());
    schedule_.cancel(parked);
    static_cast<void>(set_.take_front(*in, 1));
    tell(event::kind::parked, parked);
    mark(parked);
    finish(*in, 1);
    drop(parked);
}

// --- work ---------------------------------------------------------------------------------------------

void world::take() {
    lane_run run = set_.take(1 + random_.below(5));
    if (bug_ == bug::prefers_lower_lanes)
        for (int i = 0; i < 8 && run.of && static_cast<in_flight*>(run.first)->lane_id % 10 > 0; ++i) {
            set_.finish(*run.of, 0);
            run = set_.take(1);
        }
    if (run.empty()) return;
    at_work w{run.of, run.first->from, {}};
    for (lane_record* r = run.first; w.records.size() < run.count; r = r->next()) {
        gate_.runnable(*r);
        w.records.push_back(static_cast<in_flight*>(r));
    }
    tell(event::kind::taken, *w.records[0]);
    tell(event::kind::started, *w.records[0]);
    working_.push_back(std::move(w));
}

void world::work(std::size_t which) {
    at_work& w = working_[which];
    in_flight& r = *w.records[w.index];
    tell(event::kind::ended, r);
    const bool fails = failures_ && random_.below(3) == 0;
    const outcome what = fails ? outcome(random_.below(5) ? verdict::retry : verdict::dead_letter) : done;
    const auto action =
        policy_.decide(what, {.number = r.attempt, .now = now_, .random01 = random_.uniform()});
    if (const auto* again = std::get_if<failure_policy::again_at>(&action)) {
        fail(w, again->when);
        working_.erase(working_.begin() + static_cast<std::ptrdiff_t>(which));
        return;
    }
    tell(std::holds_alternative<failure_policy::commit>(action) ? event::kind::done : event::kind::parked, r);
    mark(r);
    if (++w.index < w.records.size()) return tell(event::kind::started, *w.records[w.index]);
    at_work over = std::move(w);
    working_.erase(working_.begin() + static_cast<std::ptrdiff_t>(which));
    if (over.of) finish(*over.of, over.records.size());
    for (in_flight* each : over.records)
        drop(*each);
}

void world::mark(const in_flight& r) {
    auto& part = at(static_cast<int>(r.from.partition));
    const auto before = part.ledger.frontier();
    part.ledger.mark(bug_ == bug::marks_by_partition ? part.since : r.from.since, offset(r.offset));
    if (r.from.since != part.since && before)
        tell(event::kind::stale, r, part.ledger.frontier()->value - before->value);
}

void world::finish(lane& of, std::size_t n) {
    const std::size_t before = set_.ready();
    const in_flight* rest = nullptr;
    if (of.length() > n) {
        lane_record* r = &of.front();
        for (std::size_t i = 0; i < n; ++i)
            r = r->next();
        rest = static_cast<in_flight*>(r);
    }
    if (set_.finish(of, n)) tell(event::kind::ready, *rest, static_cast<std::int64_t>(before));
}

void world::fail(at_work& w, steady_time when) {
    in_flight& r = *w.records[w.index];
    const std::vector<in_flight*> before(w.records.begin(),
                                         w.records.begin() + static_cast<std::ptrdiff_t>(w.index));
    const bool stale = w.from.since != at(static_cast<int>(w.from.partition)).since;
    if (!w.of || stale) {
        if (w.of) finish(*w.of, w.records.size());
        for (std::size_t i = 0; i < w.records.size(); ++i)
            stale || i < w.index ? drop(*w.records[i]) : again(*w.records[i], i == w.index, when);
        return;
    }
    if (bug_ == bug::retries_behind) {
        set_.complete(*w.of, w.index);
        set_.narrow(*w.of, 1);
        finish(*w.of, 1);
        place_in_lane(r);
    } else {
        set_.complete(*w.of, w.index);
        set_.block(*w.of);
        for (lane_record* each = &r; each; each = each->next())
            gate_.waiting(*each);
        ++r.attempt;
        if (bug_ != bug::loses_retries) schedule(when, r);
    }
    for (in_flight* each : before)
        drop(*each);
}

void world::again(in_flight& r, bool failed, steady_time when) {
    if (!failed) return place_in_lane(r);
    ++r.attempt;
    gate_.waiting(r);
    schedule(when, r);
}

void world::pass_time() {
    now_ += duration(below(30));
    while (schedule_entry* due = schedule_.pop_due(now_)) {
        auto& r = static_cast<in_flight&>(*due);
        if (!r.in()) {
            const bool stale = r.from.since != at(static_cast<int>(r.from.partition)).since;
            stale ? drop(r) : place_in_lane(r);
            continue;
        }
        tell(event::kind::ready, r, static_cast<std::int64_t>(set_.ready()));
        set_.unblock(*r.in());
    }
}

void world::drop(in_flight& r) {
    gate_.leave(r);
    const auto it = std::ranges::find_if(alive_, [&](const auto& each) { return each.get() == &r; });
    std::swap(*it, alive_.back());
    alive_.pop_back();
}

} // namespace corvid::lanes_test

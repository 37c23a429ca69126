// SPDX-License-Identifier: Apache-2.0
//
// The starts of partitions, as crash_guard has them: the position is noted before the first record runs, and
// a record that kills the process is run alone, then not at all (docs/decisions/0011).
#include <corvid/consume/group_loop.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

using stage = crash_guard::stage;

namespace {

// So long the others wait for the first record of a careful partition to be fetched.
constexpr std::chrono::seconds head_start(2);

// So long they wait for one that is condemned to be where it goes.
constexpr std::chrono::seconds put_away(10);

} // namespace

group_loop::start_inquiry::start_inquiry(group_loop& o) noexcept
    : offset_request([](work& w) noexcept {
          auto& self = static_cast<start_inquiry&>(w);
          self.owner.starts_answered(self);
      }),
      owner(o) {}

void group_loop::ask_starts() {
    if (!committer_) return;
    auto asked = std::make_unique<start_inquiry>(*this);
    for (auto& each : tenancies_) {
        if (each->keeper && search_) continue;
        if (each->guard.at() != stage::asking || std::exchange(each->is_asked_for, true)) continue;
        asked->offsets.push_back({.where = each->origin.where});
        asked->of.push_back(each->which.since);
    }
    if (asked->of.empty()) return;
    watches_starts_ = true;
    committer_->committed(*inquiries_.emplace_back(std::move(asked)));
}

void group_loop::starts_answered(start_inquiry& answered) noexcept {
    const auto kept = std::ranges::find(inquiries_, &answered, &std::unique_ptr<start_inquiry>::get);
    const std::unique_ptr<start_inquiry> mine = std::move(*kept);
    inquiries_.erase(kept);
    for (std::size_t i = 0; i < mine->of.size(); ++i) {
        const auto its = std::ranges::find_if(
            tenancies_, [&](const auto& each) { return each->which.since == mine->of[i]; });
        if (its == tenancies_.end()) continue;
        tenancy& of = **its;
        of.is_asked_for = false;
        const auto& answer = mine->offsets[i];
        if (const auto& why = mine->failure ? mine->failure : answer.failure) {
            log_.warn("what is committed could not be read; it is asked again", *why);
            continue;
        }
        if (of.position && of.position > answer.next) // its own position is ahead of what is committed
            of.guard.found(of.position, {}, loop_->steady_now());
        else
            of.guard.found(answer.next, answer.metadata, loop_->steady_now());
        if (!of.position && !answer.next && settings_.source.reset != broker::offset_reset::error)
            of.figures.had_no_offset.add();
        of.figures.starts.set(of.guard.starts());
        if (of.guard.starts() >= settings_.crashes.suspect_after)
            log_.error(
                "the process died again and again: records run one at a time, until the one that kills it "
                "is found",
                error(errc::process_died,
                      {.topic = of.origin.where.topic.str(), .partition = of.origin.where.partition.value}),
                {{"starts", of.guard.starts()}});
        else if (of.guard.starts() > 1)
            log_.warn("a partition begins where its last member began and ended without progress",
                      {{"topic", of.origin.where.topic.str()},
                       {"partition", of.origin.where.partition.value},
                       {"starts", of.guard.starts()}});
    }
    pump_later();
}

// It went on for the length of a probation before the other came: it is not what kills this process.
bool group_loop::is_trusted(const tenancy& which, const tenancy& beside) const noexcept {
    return which.guard.has_progress() && beside.mine_since - which.mine_since >= settings_.crashes.probation;
}

// Who is named must be the only one that can kill: what is not trusted is at rest meanwhile. One that does
// not come to rest is not waited for longer than the probation.
bool group_loop::may_name(const tenancy& which) const {
    const steady_time now = loop_->steady_now();
    const bool waits = now - which.waits_since < settings_.crashes.probation;
    return std::ranges::all_of(tenancies_, [&](const auto& each) {
        const bool rests = each->at_work == 0 && !(each->parks && each->parks->keys.in_hand() > 0);
        return !each->guard.is_alone() && !each->guard.puts_away(now, put_away) &&
               (!waits || rests || is_trusted(*each, which));
    });
}

// It begins nothing while somebody's record runs alone, or is there to be the next that does, or is condemned
// and not elsewhere yet.
bool group_loop::is_held_back(const tenancy& which) const {
    if (which.guard.is_alone() || which.guard.at() == stage::condemned) return false;
    const steady_time now = loop_->steady_now();
    return std::ranges::any_of(tenancies_, [&](const auto& each) {
        const bool careful = each->guard.is_alone() || each->guard.waits_for_first(now, head_start) ||
                             each->guard.puts_away(now, put_away) ||
                             (each->guard.at() == stage::careful && !each->kept.empty());
        return careful && !is_trusted(which, *each);
    });
}

// Answers whether a record came, or went on.
bool group_loop::keep_first(tenancy& of) {
    const bool careful = of.guard.at() == stage::careful;
    if (of.kept.empty()) {
        if (!of.may_have_more || !of.takes_in() || of.by.why_stopped(of) != intake_stop::open) return false;
        of.kept = source_->take(of.slot, careful ? 1 : of.most_at_once());
        of.may_have_more = !of.kept.empty();
        of.waits_since = loop_->steady_now();
    }
    if (of.kept.empty() || (careful && !may_name(of))) return false;
    of.put_off = false;
    of.guard.took(offset(of.kept.records().front().offset));
    if (of.guard.at() == stage::condemned) of.condemned = of.guard.condemned()->value;
    return true;
}

bool group_loop::take_in(tenancy& from) {
    if (!from.parks) return take_records(from);
    const bool came = from.parks->turn(may_release(from));
    const bool is_free = from.guard.at() != stage::careful || from.parks->keys.in_hand() == 0;
    return (is_free && from.parks->may_take() && take_records(from)) || came;
}

// A released record may kill as any other, and is never named: none runs beside one that is.
bool group_loop::may_release(const tenancy& which) const {
    if (!which.takes_in() || (watches_starts_ && is_held_back(which))) return false;
    const stage at = which.guard.at();
    if (at == stage::free || at == stage::windowed) return which.guard.may_run();
    return at == stage::careful && which.kept.empty() &&
           loop_->steady_now() - which.mine_since >= settings_.crashes.probation;
}

bool group_loop::take_records(tenancy& from) {
    if (from.guard.wants_one()) return keep_first(from);
    if (!from.guard.may_run() || (watches_starts_ && is_held_back(from))) return false;
    if (!from.kept.empty()) return from.by.take_in(from, *source_);
    const std::size_t room = from.guard.room(from.ledger.end(), run::most);
    return room > 0 && from.by.take_in(from, *source_, room);
}

void group_loop::follow(tenancy& which) {
    if (!which.ledger.is_assigned()) return;
    if (const auto at = which.guard.position(); at && which.first < at->value)
        commits_.forget(which.origin.where); // what was committed is behind the end of the log
    which.guard.progress(offset(which.first), *which.ledger.frontier(), which.put_off, loop_->steady_now());
    if (!which.guard.condemned()) which.condemned = -1;
    if (which.guard.has_progress()) which.figures.starts.set(0);
}

// Answers whether a partition may take again.
bool group_loop::follow_starts() {
    bool more = false, hurried = false;
    watches_starts_ = false;
    for (auto& each : tenancies_) {
        const stage before = each->guard.at();
        follow(*each);
        more |= each->guard.at() != before;
        watches_starts_ |= each->guard.at() != stage::free;
        hurried |= each->guard.hurries();
    }
    if (hurried && may_hurry_ && !revoking_ && !commits_.in_flight()) {
        note_progress();
        commit_now();
    }
    return more;
}

} // namespace corvid

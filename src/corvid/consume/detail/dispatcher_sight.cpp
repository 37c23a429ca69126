// SPDX-License-Identifier: Apache-2.0
//
// What a dispatcher shows to the watchdog. A run tells no times but that of its beginning: a record that is
// at the same place in its run as at the last look has been with its handler since then, at least. A run that
// waits for a worker or a thread is with nobody.
#include <corvid/consume/detail/dispatcher.hpp>

#include <map>

namespace corvid {

namespace {

// A handler that has been at one record for so long holds up its key.
constexpr duration stalls_after = std::chrono::seconds(1);

record_sight sight_of(const held_record& what) { return {what.of->origin.where, offset(what.offset)}; }

const held_record& front_of(const lane& in) noexcept { return static_cast<const held_record&>(in.front()); }

std::string text_of(const std::optional<error>& why) { return why ? why->describe() : std::string(); }

/// Of each partition the first record that no handler is at any more.
class first_sent {
public:
    void note(const held_record& one) {
        if (one.is_released) return; // its offset is settled
        const held_record*& first = of_[one.of];
        if (!first || one.offset < first->offset) first = &one;
    }
    [[nodiscard]] std::vector<handler_sight::sending> all() const {
        std::vector<handler_sight::sending> seen;
        for (const auto& [of, one] : of_)
            seen.push_back({sight_of(*one), one->goes != held_record::destination::none,
                            one->failure().transfers, text_of(one->failure().unmoved)});
        return seen;
    }

private:
    std::map<const tenancy*, const held_record*> of_;
};

} // namespace

handler_sight dispatcher::sight(steady_time now) {
    handler_sight seen{.handler = reader_.name, .records = lanes_.records()};
    for (work_run* each : at_work_) {
        mark_done_part(*each);
        if (each->marked == each->size() || !each->is_begun()) continue;
        if (each->seen != each->marked) {
            each->seen = each->marked;
            each->seen_since = each->marked == 0 ? each->began_at() : now;
        }
        if (each->in) tell_stalled(*each, now - each->seen_since >= stalls_after);
        if (!seen.oldest || each->seen_since < seen.oldest->since)
            seen.oldest = {sight_of(*each->unmarked), each->seen_since};
    }
    const lane* longest = nullptr;
    const held_record* worst = nullptr;
    first_sent sent;
    const auto compare = [&](const held_record& waits) {
        if (waits.is_sent())
            sent.note(waits);
        else if (waits.attempt > 1 && (!worst || waits.all_attempts() > worst->all_attempts()))
            worst = &waits;
    };
    lanes_.for_each([&](const lane& in) {
        if (in.front().key && (!longest || in.length() > longest->length())) longest = &in;
        if (in.now() == lane::state::blocked || front_of(in).is_sent()) compare(front_of(in));
    });
    for (const held_record* each : loose_)
        compare(*each);
    seen.sent = sent.all();
    if (longest) seen.longest = {sight_of(front_of(*longest)), longest->length()};
    if (worst) seen.failing = {sight_of(*worst), worst->all_attempts() - 1, text_of(worst->failure().why)};
    return seen;
}

// What stands behind a record that does not get on is not runnable, whatever its count: counted as such, a
// few keys that stand still would keep all others from being taken in.
void dispatcher::tell_stalled(work_run& which, bool is_stalled) {
    if (which.in->is_stalled() == is_stalled) return;
    lanes_.stall(*which.in, is_stalled);
    if (!is_stalled) return;
    for (held_record* each = which.unmarked->following(); each; each = each->following())
        gate_.waiting(*each);
}

} // namespace corvid

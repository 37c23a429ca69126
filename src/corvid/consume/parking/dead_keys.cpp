// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/parking/dead_keys.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

dead_keys::state& dead_keys::of(std::string_view key) {
    const auto known = keys_.find(key);
    return known != keys_.end() ? known->second : keys_[std::string(key)];
}

void dead_keys::erase_if_blank(std::string_view key) {
    const auto known = keys_.find(key);
    if (known == keys_.end() || !known->second.is_blank()) return;
    asked_.erase(known->first);
    keys_.erase(known);
}

// --- the topic of keys ------------------------------------------------------------------------------------

void dead_keys::heard(const parked_entry& what, place at) {
    state& its = of(what.key);
    if (!what.asks) {
        hear_mark(its, what.at, at);
    } else if (what.command) {
        its.asked = command{*what.command, at};
    } else if (!is_ready_) { // later it is this member's own, or that of one that is fenced
        its.asked.reset();
    }
    changed_.insert(what.key);
    if (its.asked) asked_.insert(what.key);
    if (!is_ready_) erase_if_blank(what.key);
}

void dead_keys::hear_mark(state& its, const std::optional<offset>& at, place in) noexcept {
    if (!is_ready_) {
        dead_ += (at ? 1U : 0U);
        dead_ -= (its.died ? 1U : 0U);
        its.died = its.logged = at;
        its.mark = in;
    } else if (its.writes > 0) {
        its.seen.emplace(in, at);
    } else {
        its.logged = at;
    }
}

void dead_keys::caught_up() { is_ready_ = true; }

// A command that no death comes before is over.
void dead_keys::forget_stale(state& its) noexcept {
    if (!its.asked || its.is_asked()) return;
    its.asked.reset();
    its.is_ask_over = true;
}

std::vector<parked_entry> dead_keys::due() {
    std::vector<parked_entry> all;
    if (!is_ready_) return all;
    for (auto each = changed_.begin(); each != changed_.end();) {
        const std::string key = *each;
        state& its = of(key);
        forget_stale(its);
        if (its.is_ask_over && !std::exchange(its.is_ask_writing, true)) {
            its.is_ask_over = false;
            all.push_back({.partition = of_, .key = key, .asks = true});
        }
        if (its.writes == 0 && its.logged != its.died) {
            ++its.writes;
            all.push_back({.partition = of_, .key = key, .at = its.died});
        }
        const bool waits = its.is_ask_over || its.writes > 0;
        erase_if_blank(key);
        each = waits ? std::next(each) : changed_.erase(each);
    }
    return all;
}

// Heard since, and behind it: somebody else wrote.
void dead_keys::written(state& its, const std::optional<offset>& what, place at) noexcept {
    its.logged = its.seen && its.seen->first > at ? its.seen->second : what;
    if (--its.writes == 0) its.seen.reset();
}

void dead_keys::wrote(const parked_entry& what, place at) {
    state& its = of(what.key);
    changed_.insert(what.key);
    if (what.asks)
        its.is_ask_writing = false;
    else
        written(its, what.at, at);
}

void dead_keys::failed(const parked_entry& what) {
    state& its = of(what.key);
    changed_.insert(what.key);
    if (what.asks) {
        its.is_ask_writing = false;
        its.is_ask_over = true;
    } else {
        if (--its.writes == 0) its.seen.reset();
    }
}

std::vector<dead_keys::dead> dead_keys::list() const {
    std::vector<dead> all;
    for (const auto& [key, its] : keys_)
        if (its.died)
            all.push_back({key, *its.died, its.is_asked() ? std::optional(its.asked->what) : std::nullopt});
    return all;
}

// --- records ----------------------------------------------------------------------------------------------

std::optional<offset> dead_keys::dead_at(std::string_view key) const {
    if (dead_ == 0) return std::nullopt;
    const auto known = keys_.find(key);
    return known == keys_.end() ? std::nullopt : known->second.died;
}

dead_keys::fate dead_keys::fate_of(std::string_view key, offset at, bool is_released) const {
    const auto known = keys_.find(key);
    if (is_released) return known != keys_.end() && known->second.gives ? fate::runs : fate::gone;
    if (known == keys_.end() || !known->second.died || at < *known->second.died) return fate::runs;
    return at == *known->second.died ? fate::is_dead : fate::is_parked;
}

// What was settled before the key died, and comes again, lets it die no earlier.
bool dead_keys::begin_mark(std::string_view key, offset at) {
    state& its = of(key);
    if (its.died && at <= *its.died) return false;
    ++its.writes;
    return true;
}

void dead_keys::marked(std::string_view key, offset at, place mark) {
    state& its = of(key);
    its.gives.reset(); // what is in hand is not run any more: it is parked yet
    if (!its.died) ++dead_;
    its.died = at;
    its.mark = mark;
    written(its, at, mark);
    forget_stale(its);
    changed_.insert(std::string(key));
}

void dead_keys::begin_park(std::string_view key) { ++of(key).parking; }

void dead_keys::parked(std::string_view key, place at) {
    state& its = of(key);
    --its.parking;
    its.parked_to = std::max(its.parked_to, at);
}

// --- giving back ------------------------------------------------------------------------------------------

// A pass that begins anew goes on where each key was: what was given back is left out.
bool dead_keys::begin_pass() {
    if (!is_ready_ || (is_reading_ && !at_end_)) return false;
    bool is_wanted = false;
    for (auto each = asked_.begin(); each != asked_.end();) {
        state& its = of(*each);
        forget_stale(its);
        is_wanted |= its.in_hand == 0 && (its.gives ? its.gives->is_behind : its.is_asked());
        each = its.gives || its.asked ? std::next(each) : asked_.erase(each);
    }
    if (!is_wanted) return false;
    for (const std::string& key : asked_) {
        state& its = of(key);
        if (!its.gives && its.in_hand == 0)
            its.gives = giving{.how = its.asked->what,
                               .last = its.died->value,
                               .drops = its.asked->what == parked_command::discard};
        if (!its.gives) continue;
        its.gives->is_closing = false;
        if (its.in_hand == 0) its.gives->is_behind = false;
        its.parked_to = -1; // it lies before the end that is looked up now
    }
    taken_to_ = -1;
    at_end_ = false;
    return is_reading_ = true;
}

bool dead_keys::has_room() const noexcept {
    std::size_t in_hand = 0;
    for (const std::string& key : asked_)
        if (const state& its = keys_.find(key)->second; its.gives && !its.gives->is_put_off)
            in_hand += its.in_hand;
    return in_hand < most_in_hand_;
}

dead_keys::handed dead_keys::came(std::string_view key, offset at, place in) {
    taken_to_ = in;
    const auto known = keys_.find(key);
    if (known == keys_.end() || !known->second.gives || at.value <= known->second.gives->last)
        return handed::nothing;
    giving& its = *known->second.gives;
    its.is_behind |= its.is_put_off;
    if (its.is_behind) return handed::nothing;
    its.last = at.value;
    ++its.count;
    if (its.drops) return handed::dropped;
    ++known->second.in_hand;
    ++in_hand_;
    return handed::runs;
}

void dead_keys::reached_end() noexcept {
    if (std::exchange(at_end_, true)) return;
    for (const std::string& key : asked_)
        if (state& its = keys_.find(key)->second; its.gives) its.gives->drops = false;
}

void dead_keys::returned(std::string_view key) {
    state& its = of(key);
    --in_hand_;
    if (--its.in_hand > 0) return;
    if (its.gives) its.gives->is_put_off = false;
    changed_.insert(std::string(key));
}

void dead_keys::forsaken(std::string_view key) {
    of(key).gives.reset();
    returned(key);
}

void dead_keys::put_off(std::string_view key) noexcept {
    const auto known = keys_.find(key);
    if (known == keys_.end() || !known->second.gives) return;
    known->second.gives->is_put_off = true;
    known->second.gives->is_closing = false;
}

bool dead_keys::holds_intake() const noexcept {
    return is_reading_ && std::ranges::any_of(asked_, [this](const std::string& key) {
               const state& its = keys_.find(key)->second;
               return its.gives && its.gives->is_closing;
           });
}

std::vector<dead_keys::lived> dead_keys::settle() {
    std::vector<lived> all;
    if (!is_reading_) return all;
    is_reading_ = false;
    for (const std::string& key : asked_) {
        state& its = of(key);
        if (!its.gives) continue;
        is_reading_ = true;
        if (!at_end_ || its.gives->is_behind || its.in_hand > 0) continue;
        its.gives->is_closing = true;
        if (its.parking > 0 || taken_to_ < its.parked_to) continue;
        all.push_back({key, its.gives->how, its.gives->count});
        its.gives.reset();
        its.died.reset();
        --dead_;
        its.parked_to = -1;
        forget_stale(its);
        changed_.insert(key);
    }
    return all;
}

} // namespace corvid

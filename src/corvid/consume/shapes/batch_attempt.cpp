// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/batch_attempt.hpp>

#include <corvid/consume/shapes/publish_tally.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

namespace {

/// held_record::memo of a record whose outcome was said before its turn came, behind a dead letter of its
/// key: none, or the verdict and one. Why it is a dead letter stands in the record.
std::uint64_t memo_of(verdict what) noexcept { return static_cast<std::uint64_t>(what) + 1; }

std::optional<outcome> said_before(const held_record& what) {
    if (what.memo == 0) return std::nullopt;
    const auto which = static_cast<verdict>(what.memo - 1);
    const std::optional<error>& why = what.failure().why;
    return which == verdict::dead_letter && why ? outcome(which, *why) : outcome(which);
}

bool ends_a_run(const outcome& what) noexcept { return what != verdict::done && what != verdict::skip; }

} // namespace

outcome batch_attempt::wrong_size(std::size_t said, std::size_t records) {
    return stop("the handler said " + std::to_string(said) + " outcomes for a batch of " +
                std::to_string(records));
}

std::size_t batch_attempt::records() const noexcept {
    std::size_t sum = 0;
    for (const run* each = &first_; each; each = each->beside())
        sum += each->size();
    return sum;
}

// Nothing is handed over behind a record of the same run that is given up.
bool batch_attempt::may_add(const run& of, const held_record& what, std::size_t from) const noexcept {
    if (!of.may_begin(what.offset)) return false;
    return entries_.size() == from || !entries_.back().said || !ends_a_run(*entries_.back().said);
}

bool batch_attempt::is_settled(run& of, held_record& what) {
    auto said = said_before(what);
    if (!said) return false;
    entries_.push_back({&of, &what, std::move(said)});
    return true;
}

void batch_attempt::add(run& of, held_record& what, result<void> decoded) {
    if (decoded) handed_.push_back(entries_.size());
    entries_.push_back({&of, &what, std::nullopt});
    if (!decoded) entries_.back().said = dead_letter(std::move(decoded).error());
}

void batch_attempt::begin() {
    if (!handed_.empty()) open_.push_back({0, handed_.size()});
}

bool batch_attempt::is_behind_a_failure(std::size_t handed) const noexcept {
    const std::size_t at = handed_[handed];
    for (std::size_t before = at; before-- > 0 && entries_[before].of == entries_[at].of;)
        if (!entries_[before].said || ends_a_run(*entries_[before].said)) return true;
    return false;
}

// Only the first records of a range can be behind one that failed: those of a run follow one another, and
// ranges are done from the front.
std::optional<batch_attempt::range> batch_attempt::next() noexcept {
    while (!open_.empty()) {
        range one = open_.back();
        open_.pop_back();
        while (one.from < one.to && is_behind_a_failure(one.from))
            ++one.from;
        for (std::size_t i = one.from; i < one.to; ++i)
            forget_published(entries_[handed_[i]]);
        if (one.from < one.to) return one;
    }
    return std::nullopt;
}

void batch_attempt::answer(const range& of, const outcome& what) {
    if (what == verdict::retry || what == verdict::stop) return failed(of, what);
    for (std::size_t i = of.from; i < of.to; ++i)
        say(i, what);
}

void batch_attempt::answer(const range& of, const batch_outcomes& each) {
    if (each.size() != of.size()) return failed(of, wrong_size(each.size(), of.size()));
    for (std::size_t i = of.from; i < of.to; ++i)
        say(i, each[i - of.from]);
}

int batch_attempt::attempt() const noexcept {
    int most = 1;
    for (const std::size_t at : handed_)
        most = std::max(most, entries_[at].what->attempt);
    return most;
}

void batch_attempt::failed(const range& of, const outcome& why) {
    if (why == verdict::stop) return say(of.from, why); // the first says it for all
    const bool again = why == verdict::retry && is_whole_ && settings_.then == when_batch_fails::again &&
                       attempt() < settings_.attempts;
    if (of.size() > 1 && !again) return halve(of);
    for (std::size_t i = of.from; i < of.to; ++i)
        say(i, why);
}

batch_attempt::range batch_attempt::keep(const range& of, const std::vector<bool>& which) {
    std::size_t to = of.from;
    for (std::size_t i = of.from; i < of.to; ++i)
        if (which[i - of.from]) std::swap(handed_[to++], handed_[i]);
    return {of.from, to};
}

void batch_attempt::halve(const range& of) {
    is_whole_ = false;
    const std::size_t middle = of.from + of.size() / 2;
    open_.push_back({middle, of.to});
    open_.push_back({of.from, middle});
}

void batch_attempt::published(std::size_t handed, publish_tally& made) noexcept {
    entries_[handed_[handed]].made = &made;
}

void batch_attempt::forget_published(entry& of) noexcept {
    if (publish_tally* const made = std::exchange(of.made, nullptr)) made->leave();
}

bool batch_attempt::is_acknowledged(const entry& of) noexcept {
    return !of.made || (of.made->is_answered() && !of.made->failure());
}

void batch_attempt::finish() noexcept {
    std::size_t at = 0;
    for (run* each = &first_; each;) {
        run& over = *each;
        each = over.beside();
        finish(over, at);
        if (&over != &first_) over.end();
    }
}

void batch_attempt::finish(run& of, std::size_t& at) noexcept {
    bool gave_up = false;
    for (bool goes_on = true; at < entries_.size() && entries_[at].of == &of; ++at) {
        entry& one = entries_[at];
        goes_on = goes_on && one.said && of.has_next();
        if (goes_on) {
            one.what->memo = 0;
            gave_up = *one.said == verdict::dead_letter;
            one.made = of.exchange_published(one.made);
            of.complete(std::move(*one.said));
        } else if (gave_up && one.said &&
                   (!ends_a_run(*one.said) ? is_acknowledged(one) : *one.said == verdict::dead_letter)) {
            one.what->memo = memo_of(one.said->kind());
            if (*one.said == verdict::dead_letter) one.what->note_failure().why = one.said->why();
        } else {
            gave_up = false; // it, and what is behind it, comes again
        }
        forget_published(one);
    }
}

} // namespace corvid

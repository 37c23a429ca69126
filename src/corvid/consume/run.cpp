// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/run.hpp>

#include <corvid/consume/handler.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>
#include <corvid/consume/worker_pool.hpp>

#include <algorithm>

namespace corvid {

void run::begin(std::size_t count, const run_origin& origin, std::int64_t bound) noexcept {
    if (published_) [[unlikely]]
        forget_published();
    behind_ = nullptr;
    outer_ = nullptr;
    at_ = nullptr;
    seat_ = 0;
    origin_ = &origin;
    count_ = static_cast<std::uint32_t>(count);
    completed_.store(0, std::memory_order_relaxed);
    begun_.store(false, std::memory_order_relaxed);
    bound_.store(bound, std::memory_order_relaxed);
    skipped_ = 0;
    has_verdict_ = is_left_over_ = false;
    paid_for_ = false;
    memo_ = 0;
    enter_part(0);
    if (std::exchange(has_open_, false)) open_.clear();
}

void run::over(std::span<const record> records, const record_batch& of, const run_origin& origin) noexcept {
    beside_ = nullptr;
    held_ = nullptr;
    batch_ = &of;
    current_ = records.data();
    begin(records.size(), origin);
}

void run::over(held_record& first, std::size_t count, const run_origin& origin, std::int64_t bound) noexcept {
    beside_ = nullptr;
    held_ = &first;
    batch_ = nullptr;
    current_ = &first.what();
    trail_[0] = &first;
    begin(count, origin, bound);
    behind_ = count > 1 ? first.following() : nullptr;
    published_ = std::exchange(first.kept, nullptr);
}

void run::over_current_of(run& other) noexcept {
    held_ = other.held_;
    batch_ = other.batch_;
    current_ = other.current_;
    begin(1, *other.origin_);
    outer_ = &other;
    paid_for_ = other.take_payment();
}

void run::foresee_done() const noexcept {
    const std::size_t known = std::min(trail_.size(), held_ ? std::min<std::size_t>(index() + 1, count_) : 0);
    for (std::size_t i = 0; i < known; ++i)
        corvid::prefetch(trail_[i], sizeof(held_record));
}

void run::remember(std::uint64_t what) noexcept {
    if (outer_) return outer_->remember(what);
    (held_ ? held_->memo : memo_) = what;
}

std::optional<wall_time> run::first_failed_at() const noexcept {
    return attempt() > 1 ? std::optional(held_->failure().first_at) : std::nullopt;
}

publish_tally* run::exchange_published(publish_tally* with) noexcept {
    return std::exchange(published_, with);
}

std::int64_t run::thawed_bound() const noexcept {
    for (;;) {
        const std::int64_t bound = bound_.load();
        if (bound != frozen) return bound;
        bound_.wait(frozen);
    }
}

void run::begin_work() noexcept {
    if (is_begun()) return;
    const steady_time now = loop_.steady_now();
    for (run* each = this; each; each = each->beside_) {
        each->began_at_ = now;
        each->begun_.store(true, std::memory_order_release);
    }
    detail::light_fence();
}

void run::wait_for_turn() noexcept {
    for (run* each = this; each; each = each->beside_)
        each->begun_.store(false);
}

publish_tally& run::published() const {
    if (outer_) return outer_->published();
    if (!published_) published_ = &publish_tally::make();
    return *published_;
}

void run::forget_published() noexcept { std::exchange(published_, nullptr)->leave(); }

outcome run::settle_published(outcome what) noexcept {
    const bool is_over = what == verdict::done || what == verdict::skip;
    const bool answered = published_->is_answered(); // once: it may come any time
    const bool failed = answered && published_->failure();
    if (!is_over && memo() != 0 && !failed) return what; // who published it is not called again: it is kept
    publish_tally& made = *std::exchange(published_, nullptr);
    const bool of_others = memo() != 0 && what == verdict::dead_letter; // that said done: it is their retry
    if (failed && (is_over || of_others)) what = *made.failure();
    if (failed) remember(0);
    if (!is_over || answered) {
        made.leave();
        return what;
    }
    has_open_ = true;
    if (held_)
        held_->open = &made;
    else
        open_.push_back({index(), &made});
    return what;
}

record_origin run::place() const noexcept {
    return {.topic = origin_->where.topic.str(),
            .where = origin_->where.partition,
            .source = current_,
            .batch = batch_,
            .own_headers = held_ ? &held_->its_headers() : nullptr};
}

void run::give_back(work& node) noexcept {
    run& over = of(node);
    if (over.owner_) over.owner_->came_back(over);
}

bool run::start(handler& with) noexcept {
    work::run = give_back;
    ended_inline_ = false;
    starting_ = true;
    begin_work();
    with.start(*this);
    starting_ = false;
    return ended_inline_;
}

work& run::bound_for(worker& at, handler& with) noexcept {
    goes_along(at);
    with_ = &with;
    work::run = [](work& node) noexcept {
        run& self = of(node);
        self.work::run = give_back;
        self.begin_work();
        self.at_->begins(self.began_at_);
        self.with_->start(self);
    };
    return *this;
}

void run::goes_along(worker& at) noexcept {
    at_ = &at;
    seat_ = at.number() + 1;
}

void run::end() noexcept {
    ended_at_ = loop_.steady_now();
    if (at_ && at_->is_current())
        at_->give_back(loop_, *this, ended_at_);
    else if (scheduler::current() == &loop_ && starting_)
        ended_inline_ = true;
    else
        loop_.post(*this);
}

} // namespace corvid

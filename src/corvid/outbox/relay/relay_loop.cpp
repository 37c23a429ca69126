// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/relay_loop.hpp>

#include <corvid/base/ids.hpp>
#include <corvid/base/sleep.hpp>

#include <algorithm>

namespace corvid::outbox_detail {

namespace {

constexpr std::int64_t most_rows_a_look = 2'000;
constexpr std::size_t read_ahead = 2; // times in_flight: what is read while that much is on its way
constexpr std::chrono::milliseconds save_pause{20}; // between two saves while rows flow
constexpr std::chrono::milliseconds look_pause{5};  // between two looks that found all there was
constexpr std::chrono::seconds count_pause{5};

relay_settings named(relay_settings settings) {
    if (settings.name.empty()) {
        id_generator ids(entropy_seed());
        settings.name = to_string(ids.uuid4());
    }
    return settings;
}

} // namespace

relay_loop::relay_figures::relay_figures(metrics* into, const std::string& database) {
    if (!into) return;
    pending = into->gauge_of(metric::outbox_pending, {database});
    oldest = into->gauge_of(metric::outbox_oldest, {database});
    published = into->counter_of(metric::outbox_published, {database, "acked"});
    failed = into->counter_of(metric::outbox_published, {database, "again"});
    parked = into->counter_of(metric::outbox_published, {database, "parked"});
    saves = into->counter_of(metric::outbox_saves, {database});
    shards = into->gauge_of(metric::outbox_shards, {database});
}

relay_loop::relay_loop(database& db, publisher& out, relay_settings settings, metrics* figures, logger log)
    : db_(db),
      out_(out),
      settings_(named(std::move(settings))),
      log_(std::move(log)),
      figures_(figures, db.settings().name),
      tables_(db),
      random_(db.settings().seed ? db.settings().seed : entropy_seed()),
      lanes_(
          {.rows = settings_.in_flight, .per_aggregate = settings_.per_aggregate, .pause = settings_.pause}),
      worker_(db.loop()),
      looker_(db.loop()),
      notices_(db, commit_channel, [this] { news(); }) {}

void relay_loop::start(std::shared_ptr<relay_loop> self) {
    listener_.emplace(*this);
    running_.spawn(db_.loop(), notices_.run());
    running_.spawn(db_.loop(), look_on(self));
    running_.spawn(db_.loop(), run(std::move(self)));
}

void relay_loop::close(bool orderly) {
    if (std::exchange(closed_, true)) return;
    struct steps {
        static task<void> stop(relay_loop& self, bool orderly) {
            self.closing_ = true;
            self.orderly_ = orderly;
            self.notices_.stop();
            self.worker_.end();
            self.looker_.end();
            co_return;
        }
        static task<void> end(relay_loop& self) {
            self.tables_.end();
            self.listener_.reset(); // where commits are told
            const std::lock_guard lock(self.mutex_);
            self.is_over_ = true;
            co_return;
        }
    };
    wait_for(db_.threads(), db_.loop(), steps::stop(*this, orderly));
    running_.wait(db_.threads());
    wait_for(db_.threads(), db_.loop(), steps::end(*this));
}

// ---- resting

steady_time relay_loop::next_turn() const {
    steady_time next = std::min({share_at_, shed_at_, count_at_});
    if (failures_ > 0) return next;
    if (parked_.empty()) next = std::min(next, parked_at_);
    if (has_to_save()) next = std::min(next, save_at_);
    if (const auto due = lanes_.due()) next = std::min(next, *due);
    return next;
}

duration relay_loop::pause_after(int failures) { return settings_.pause.delay(failures, random_.uniform()); }

task<void> relay_loop::run(std::shared_ptr<relay_loop> self) {
    relay_loop& of = *self;
    while (!of.closing_) {
        bool fine = true;
        if (of.is_due(of.share_at_)) fine = co_await of.share();
        of.send_ready();
        if (fine && of.has_to_save() && of.is_due(of.save_at_)) fine = co_await of.save();
        if (fine && of.parked_.empty() && of.is_due(of.parked_at_)) fine = co_await of.look_at_parked();
        if (fine && of.is_due(of.shed_at_)) co_await of.shed();
        if (fine && of.is_due(of.count_at_)) co_await of.count();
        of.failures_ = fine ? 0 : of.failures_ + 1;
        if (!fine) {
            const steady_time again = of.db_.loop().steady_now() + of.pause_after(of.failures_);
            of.share_at_ = std::max(of.share_at_, again);
            of.save_at_ = std::max(of.save_at_, again);
            co_await of.worker_.until(again);
        }
        co_await of.worker_.until(of.next_turn());
    }
    co_await finish(self);
}

bool relay_loop::has_room() const noexcept {
    return lanes_.size() < read_ahead * settings_.in_flight && lanes_.bytes() < settings_.max_bytes;
}

task<void> relay_loop::look_on(std::shared_ptr<relay_loop> self) {
    relay_loop& of = *self;
    while (!of.closing_) {
        const bool wanted = of.look_now_ || of.more_ || of.is_due(of.look_at_);
        const bool can = of.look_failures_ == 0 || of.is_due(of.look_at_);
        if (wanted && can && of.has_room() && !of.shards_.empty()) {
            if (!of.more_ && !of.is_due(of.look_rested_at_)) {
                co_await of.looker_.until(of.look_rested_at_);
                continue;
            }
            of.look_now_ = false;
            of.look_rested_at_ = of.db_.loop().steady_now() + look_pause;
            const bool fine = co_await of.look();
            of.look_failures_ = fine ? 0 : of.look_failures_ + 1;
            of.look_at_ = of.db_.loop().steady_now() +
                          (fine ? duration(of.settings_.poll) : of.pause_after(of.look_failures_));
            continue;
        }
        // held up by what is on its way, or without a shard: the answers and a new shard wake us
        const bool held_up = wanted && can;
        co_await of.looker_.until(held_up ? of.db_.loop().steady_now() + of.settings_.poll : of.look_at_);
    }
    of.looking_ = false;
    of.worker_.wake();
}

// Nothing new is sent; what is on its way is waited for, as long as a lease lasts.
task<void> relay_loop::finish(std::shared_ptr<relay_loop> self) {
    relay_loop& of = *self;
    const steady_time patience = of.db_.loop().steady_now() + of.settings_.lease;
    if (of.orderly_) {
        while ((of.lanes_.flying() > 0 || of.looking_) && !of.is_due(patience))
            co_await sleep(std::chrono::milliseconds{2});
        static_cast<void>(co_await of.save());
        for (auto& [shard, its] : of.shards_)
            static_cast<void>(co_await of.tables_.give(shard, its.epoch));
        static_cast<void>(co_await of.tables_.leave(of.settings_.name));
    }
    while (!of.shards_.empty())
        of.lose(of.shards_.begin()->first);
    of.figures_.shards.set(0);
}

// ---- looking

std::int64_t relay_loop::limit_now() const {
    const auto room = static_cast<std::int64_t>(read_ahead * settings_.in_flight - lanes_.size());
    const auto bytes = static_cast<std::int64_t>((settings_.max_bytes - lanes_.bytes()) / row_bytes_);
    const auto all = std::max<std::int64_t>(1, std::min({room, bytes, most_rows_a_look}));
    return std::max<std::int64_t>(1, all / static_cast<std::int64_t>(shards_.size()));
}

task<bool> relay_loop::look() {
    std::vector<read_wish> wishes;
    for (const auto& [shard, its] : shards_)
        if (!its.leaving) wishes.push_back({shard, its.epoch, its.position.reached(), its.position.gaps()});
    more_ = false;
    if (wishes.empty()) co_return true;
    const std::int64_t limit = limit_now();
    auto got = co_await tables_.read(wishes, limit);
    if (!got) {
        trouble("look for events", got.error());
        co_return false;
    }
    take_in(*got, wishes, static_cast<std::size_t>(limit));
    send_ready();
    if (has_to_save()) worker_.wake();
    co_return true;
}

// A shard may have gone meanwhile, and even come back: what was found of it is forgotten.
void relay_loop::take_in(read_answer& got, const std::vector<read_wish>& wishes, std::size_t limit) {
    auto row = got.rows.begin();
    std::size_t bytes = 0;
    for (const read_wish& wish : wishes) {
        const auto at = shards_.find(wish.shard);
        const bool is_mine = at != shards_.end() && at->second.epoch == wish.epoch && !at->second.leaving;
        std::size_t count = 0;
        std::int64_t end = 0;
        for (; row != got.rows.end() && (*row)->shard == wish.shard; ++row, ++count) {
            end = (*row)->number + 1;
            bytes += (*row)->bytes();
            if (is_mine && at->second.position.saw((*row)->number)) accept(std::move(*row));
        }
        if (!is_mine) continue;
        held& its = at->second;
        const bool full = count >= limit;
        more_ = more_ || full;
        const std::int64_t before = its.position.frontier();
        if (tables_.is_sqlite()) { // one writer: what is not there will not come
            its.position.begin_save();
            its.position.bound(0);
        }
        its.position.settle(got.xmin, full ? end : its.position.reached());
        its.changed = its.changed || count > 0 || its.position.frontier() != before;
    }
    if (!got.rows.empty()) row_bytes_ = std::max<std::size_t>(64, bytes / got.rows.size());
}

// ---- saving

bool relay_loop::has_to_save() const {
    return !parked_.empty() || std::ranges::any_of(shards_, [](const auto& each) {
        return each.second.changed || each.second.position.wants_bound();
    });
}

task<bool> relay_loop::save() {
    std::vector<save_wish> wishes;
    for (auto& [shard, its] : shards_) {
        wishes.push_back(
            {shard, its.epoch, its.position.reached(), its.position.frontier(), its.position.missing()});
        its.position.begin_save();
        its.changed = false;
    }
    if (wishes.empty()) co_return true;
    parked_changes parks = std::exchange(parked_, {});
    const std::vector<std::int64_t> marks = std::exchange(published_, {});
    auto saved = co_await tables_.save(wishes, settings_.lease, parks, marks);
    save_at_ = db_.loop().steady_now() + save_pause;
    if (!saved) { // its outcome may be unknown: the same once more harms nobody
        parked_.put_back(std::move(parks));
        published_.insert(published_.begin(), marks.begin(), marks.end());
        for (auto& [shard, its] : shards_)
            its.changed = true;
        trouble("save the position", saved.error());
        co_return false;
    }
    figures_.saves.add();
    parked_is_saved(parks);
    for (const save_wish& each : wishes) {
        const auto at = shards_.find(each.shard);
        if (at == shards_.end() || at->second.epoch != each.epoch) continue;
        if (std::ranges::find(saved->shards, each.shard) == saved->shards.end())
            lose(each.shard); // another relay has taken it
        else
            at->second.position.bound(saved->xid);
    }
    co_return true;
}

// ---- what is done seldom

task<void> relay_loop::shed() {
    auto gone = co_await tables_.shed(settings_.retention);
    const bool more = gone && *gone;
    shed_at_ = db_.loop().steady_now() +
               (more ? std::chrono::milliseconds{50} : std::chrono::milliseconds(settings_.shed_every));
    if (!gone) trouble("remove old events", gone.error());
}

task<void> relay_loop::count() {
    std::vector<std::int32_t> mine;
    for (const auto& [shard, its] : shards_)
        mine.push_back(shard);
    count_at_ = db_.loop().steady_now() + count_pause;
    pending_view seen;
    if (!mine.empty()) {
        auto counted = co_await tables_.pending(mine);
        if (!counted) {
            trouble("count events", counted.error());
            co_return;
        }
        seen = *counted;
    }
    const wall_time now = db_.loop().wall_now();
    const wall_time oldest = std::min(seen.oldest.value_or(now), lanes_.oldest().value_or(now));
    figures_.pending.set(static_cast<double>(seen.count) + static_cast<double>(lanes_.size()));
    figures_.oldest.set(std::chrono::duration<double>(oldest.time_since_epoch()).count());
}

void relay_loop::trouble(std::string_view doing, const error& why) {
    log_.warn("the relay could not " + std::string(doing), why, {{"relay", settings_.name}});
}

} // namespace corvid::outbox_detail

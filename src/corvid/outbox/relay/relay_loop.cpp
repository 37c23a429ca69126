// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/relay_loop.hpp>

#include <corvid/base/ids.hpp>
#include <corvid/base/post_call.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/serde/json/json.hpp>

#include <algorithm>

namespace corvid::outbox_detail {

namespace {

constexpr std::int64_t most_rows_a_look = 2'000;
constexpr std::chrono::milliseconds save_pause{20}; // between two saves while rows flow
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
      notices_(db, commit_channel, [this] { news(); }) {}

void relay_loop::start(std::shared_ptr<relay_loop> self) {
    listener_.emplace(*this);
    running_.spawn(db_.loop(), notices_.run());
    running_.spawn(db_.loop(), run(std::move(self)));
}

void relay_loop::close(bool orderly) {
    if (std::exchange(closed_, true)) return;
    struct steps {
        static task<void> stop(relay_loop& self, bool orderly) {
            self.closing_ = true;
            self.orderly_ = orderly;
            self.notices_.stop();
            self.wake();
            co_return;
        }
    };
    wait_for(db_.threads(), db_.loop(), steps::stop(*this, orderly));
    running_.wait(db_.threads());
    listener_.reset();
}

// ---- resting

bool relay_loop::rest_operation::start() {
    if (of.closing_ || of.is_due(until)) return false;
    of.resting_ = this;
    of.db_.loop().at(until, of.timer_);
    return true;
}

void relay_loop::wake() noexcept {
    rest_operation* const rested = std::exchange(resting_, nullptr);
    if (!rested) return;
    db_.loop().cancel(timer_);
    rested->complete();
}

steady_time relay_loop::next_turn() const {
    steady_time next = std::min({share_at_, shed_at_, count_at_});
    if (failures_ > 0) return std::max(next, look_at_);
    next = std::min(next, look_at_);
    if (has_to_save()) next = std::min(next, save_at_);
    if (const auto due = lanes_.due()) next = std::min(next, *due);
    return next;
}

task<void> relay_loop::run(std::shared_ptr<relay_loop> self) {
    relay_loop& of = *self;
    while (!of.closing_) {
        bool fine = true;
        if (of.is_due(of.share_at_)) fine = co_await of.share();
        const bool room =
            of.lanes_.size() < of.settings_.in_flight && of.lanes_.bytes() < of.settings_.max_bytes;
        const bool wanted = std::exchange(of.look_now_, false) || of.more_ || of.is_due(of.look_at_);
        if (fine && wanted && room && !of.shards_.empty()) fine = co_await of.look();
        if (of.shards_.empty()) of.more_ = false;
        of.send_ready();
        if (fine && of.has_to_save() && of.is_due(of.save_at_)) fine = co_await of.save();
        if (fine && of.is_due(of.shed_at_)) co_await of.shed();
        if (fine && of.is_due(of.count_at_)) co_await of.count();
        of.failures_ = fine ? 0 : of.failures_ + 1;
        const steady_time now = of.db_.loop().steady_now();
        if (!fine) {
            of.look_at_ = now + of.settings_.pause.delay(of.failures_, of.random_.uniform());
            of.share_at_ = std::max(of.share_at_, of.look_at_);
            of.more_ = false;
        } else if (of.look_at_ <= now) {
            of.look_at_ = now + of.settings_.poll;
        }
        const bool goes_on = fine && (of.more_ || of.look_now_) &&
                             of.lanes_.size() < of.settings_.in_flight &&
                             of.lanes_.bytes() < of.settings_.max_bytes;
        rest_operation rest(of, goes_on ? now : of.next_turn());
        co_await rest;
    }
    co_await finish(self);
}

// Nothing new is sent; what is on its way is waited for, as long as a lease lasts.
task<void> relay_loop::finish(std::shared_ptr<relay_loop> self) {
    relay_loop& of = *self;
    const steady_time patience = of.db_.loop().steady_now() + of.settings_.lease;
    if (of.orderly_) {
        while (of.lanes_.flying() > 0 && !of.is_due(patience))
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
    const auto room = static_cast<std::int64_t>(settings_.in_flight - lanes_.size());
    const auto bytes = static_cast<std::int64_t>((settings_.max_bytes - lanes_.bytes()) / row_bytes_);
    const auto all = std::max<std::int64_t>(1, std::min({room, bytes, most_rows_a_look}));
    return std::max<std::int64_t>(1, all / static_cast<std::int64_t>(shards_.size()));
}

task<bool> relay_loop::look() {
    std::vector<read_wish> wishes;
    for (const auto& [shard, its] : shards_)
        if (!its.leaving) wishes.push_back({shard, its.position.reached(), its.position.gaps()});
    if (wishes.empty()) {
        more_ = false;
        co_return true;
    }
    const std::int64_t limit = limit_now();
    auto got = co_await tables_.read(wishes, limit);
    look_at_ = db_.loop().steady_now() + settings_.poll;
    if (!got) {
        trouble("look for events", got.error());
        co_return false;
    }
    more_ = false;
    take_in(*got, static_cast<std::size_t>(limit));
    co_return true;
}

void relay_loop::take_in(read_answer& got, std::size_t limit) {
    std::map<std::int32_t, std::pair<std::size_t, std::int64_t>> told; // shard -> rows, behind the last
    std::size_t bytes = 0;
    for (std::unique_ptr<relay_row>& row : got.rows) {
        auto& [count, end] = told[row->shard];
        ++count;
        end = row->number + 1;
        bytes += row->bytes();
        if (shards_.at(row->shard).position.saw(row->number)) lanes_.add(std::move(row));
    }
    if (!got.rows.empty()) row_bytes_ = std::max<std::size_t>(64, bytes / got.rows.size());
    for (auto& [shard, its] : shards_) {
        const auto at = told.find(shard);
        const bool full = at != told.end() && at->second.first >= limit;
        more_ = more_ || full;
        if (at != told.end()) its.changed = true;
        if (tables_.is_sqlite()) its.position.bound(0); // one writer: what is not there will not come
        const std::int64_t before = its.position.frontier();
        if (!its.leaving) its.position.settle(got.xmin, full ? at->second.second : its.position.reached());
        its.changed = its.changed || its.position.frontier() != before;
    }
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
        its.changed = false;
    }
    if (wishes.empty()) co_return true;
    const std::vector<parking> parks = std::exchange(parked_, {});
    const std::vector<std::int64_t> marks = std::exchange(published_, {});
    auto saved = co_await tables_.save(wishes, settings_.lease, parks, marks);
    save_at_ = db_.loop().steady_now() + save_pause;
    if (!saved) { // its outcome may be unknown: the same once more harms nobody
        parked_.insert(parked_.begin(), parks.begin(), parks.end());
        published_.insert(published_.begin(), marks.begin(), marks.end());
        for (auto& [shard, its] : shards_)
            its.changed = true;
        trouble("save the position", saved.error());
        co_return false;
    }
    figures_.saves.add();
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

// ---- sending, and what came of it

void relay_loop::send_ready() {
    if (closing_) return;
    const steady_time now = db_.loop().steady_now();
    while (const auto ready = lanes_.next(now))
        send(ready->token, *ready->row);
}

void relay_loop::send(std::uint64_t token, const relay_row& row) {
    const auto came = [self = shared_from_this(), token](result<delivery> at) {
        self->answered(token, std::move(at));
    };
    auto topic = topics_.find(row.topic);
    if (topic == topics_.end()) {
        auto named = topic_name::checked(unchecked(row.topic));
        if (!named) return came(fail(std::move(named.error())));
        auto found = out_.topic(*named);
        if (!found) return came(fail(std::move(found.error())));
        topic = topics_.emplace(row.topic, *found).first;
    }
    std::map<std::string, std::string> texts;
    json::reader in(row.headers);
    if (!json::read_value(in, texts) || !in.end()) return came(fail(in.why()));
    header_list headers;
    for (const auto& [name, value] : texts)
        headers.push_back({name, optional_bytes(value)});
    const auto bytes = [](const std::optional<std::string>& of) {
        return of ? optional_bytes(*of) : optional_bytes();
    };
    out_.send(*topic->second, bytes(row.key), bytes(row.payload),
              {.timestamp = row.created_at, .headers = headers}, came);
}

// On the delivery loop, or here where it was refused at once.
void relay_loop::answered(std::uint64_t token, result<delivery> came) {
    {
        const std::lock_guard lock(mutex_);
        answers_.push_back({token, came ? std::nullopt : std::optional(std::move(came.error()))});
        if (answers_.size() > 1) return;
    }
    post_call(db_.loop(), [self = shared_from_this()] { self->take_answers(); });
}

void relay_loop::take_answers() {
    std::vector<answer> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(answers_);
    }
    for (const answer& each : all)
        settle(each);
    send_ready();
    if (more_ || has_to_save() || lanes_.due()) wake();
}

void relay_loop::settle(const answer& came) {
    const relay_row* const row = lanes_.find(came.token);
    if (!row) return;
    held& its = shards_.at(row->shard);
    const bool poison = came.failed && came.failed->kind() == error_kind::rejected &&
                        came.failed->code() != errc::producer_closed && came.failed->code() != errc::stopped;
    if (came.failed && !poison) {
        figures_.failed.add();
        return lanes_.failed(came.token, db_.loop().steady_now(), random_.uniform());
    }
    if (poison) {
        figures_.parked.add();
        log_.error("an event is parked: no broker takes it", *came.failed, {{"event", row->id}});
        parked_.push_back({row->shard, its.epoch, row->number, came.failed->describe()});
    } else {
        figures_.published.add();
        if (settings_.mark_rows) published_.push_back(tables_.seq_of(row->shard, row->number));
    }
    its.position.done(row->number);
    its.changed = true;
    static_cast<void>(lanes_.finished(came.token));
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

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/parking.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/produce/publisher.hpp>

#include <charconv>
#include <utility>

namespace corvid {

namespace {

std::int64_t number_of(const header_list& list, std::string_view name) {
    const std::string_view text = find_header(list, name).value_or("");
    std::int64_t value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

parking::parking(tenancy& of, parking_owner& owner, broker::cluster& cluster, scheduler& loop,
                 broker::source_listener& listener, publisher& by)
    : of_(of), owner_(owner), cluster_(cluster), loop_(loop), listener_(listener), by_(by) {
    const topic_name name(parked_keys_topic(of_.home, *of_.origin.group));
    keys_ = cluster_.read({name, of_.origin.where.partition}, {}, loop_, listener_);
}

void parking::close() noexcept {
    is_closed_ = true;
    keys_.reset();
    parked_.reset();
}

std::optional<offset> parking::dead_at(const optional_bytes& key) const {
    if (!key) return std::nullopt;
    const auto known = dead_.find(key.text());
    return known == dead_.end() ? std::nullopt : std::optional(known->second);
}

bool parking::turn() {
    if (is_closed_ || !keys_) return false;
    bool came = take_keys();
    if (!is_ready_) return came;
    forget_stale();
    if (!active_) begin_next();
    if (active_) {
        came |= take_parked();
        close_when_done();
    }
    return came;
}

bool parking::take_keys() {
    bool came = false;
    while (const auto why = keys_->take_trouble())
        of_.origin.log->warn("the topic of dead keys cannot be read; its partition waits", *why);
    for (record_batch batch = keys_->take(run::most); !batch.empty(); batch = keys_->take(run::most)) {
        came = true;
        for (const record& each : batch.records())
            if (auto entry = parked_entry::read(each); entry && entry->partition == of_.origin.where.partition)
                apply(std::move(*entry));
    }
    if (!is_ready_ && keys_->is_at_end()) {
        is_ready_ = came = true;
        of_.figures.dead_keys.set(static_cast<double>(dead_.size()));
    }
    return came;
}

void parking::apply(parked_entry&& entry) {
    if (entry.asks) {
        if (entry.command)
            asked_.insert_or_assign(entry.key, *entry.command);
        else
            asked_.erase(entry.key);
    } else if (!is_ready_) { // afterwards these are this member's own, or those of one that is fenced
        if (entry.at)
            dead_.insert_or_assign(entry.key, *entry.at);
        else
            dead_.erase(entry.key);
    }
}

void parking::begin_next() {
    if (asked_.empty() || is_writing_) return;
    const auto& [key, what] = *asked_.begin();
    const auto dead = dead_.find(key);
    if (dead == dead_.end()) // it lives: the command is over
        return write({.partition = of_.origin.where.partition, .key = key, .asks = true},
                     [this, key] { asked_.erase(key); });
    of_.origin.log->info("what is parked of a key is settled",
                         {{"topic", of_.origin.where.topic.str()},
                          {"partition", of_.origin.where.partition.value},
                          {"how", to_string(what)},
                          {"died_at", dead->second.value}});
    active_ = std::make_unique<release>(release{.key = key, .what = what, .last = dead->second.value});
    taken_to_ = -1;
    parked_ = cluster_.read({topic_name(parked_topic(of_.home, *of_.origin.group)), of_.origin.where.partition},
                            {}, loop_, listener_);
}

bool parking::take_parked() {
    while (const auto why = parked_->take_trouble())
        of_.origin.log->warn("parked records cannot be read; their key waits", *why);
    if (in_hand_ >= run::most) return false;
    const record_batch batch = parked_->take(run::most);
    for (const record& each : batch.records()) {
        taken_to_ = each.offset;
        if (each.key && each.key.text() == active_->key) give_on(each, batch);
    }
    return !batch.empty();
}

// What a crash let somebody park twice comes once; what an earlier life of the key parked, not at all.
void parking::give_on(const record& what, const record_batch& batch) {
    const header_list its = batch.headers_of(what);
    const std::int64_t at = number_of(its, wire::dlq_offset);
    if (find_header(its, wire::dlq_topic).value_or("") != of_.origin.where.topic.str() ||
        number_of(its, wire::dlq_partition) != of_.origin.where.partition.value || at <= active_->last)
        return;
    active_->last = at;
    ++active_->count;
    if (active_->what == parked_command::discard) {
        of_.origin.log->warn("a parked record is discarded", {{"topic", of_.origin.where.topic.str()},
                                                              {"partition", of_.origin.where.partition.value},
                                                              {"offset", at},
                                                              {"parked_at", what.offset}});
        return;
    }
    record source = what;
    source.offset = at;
    ++in_hand_;
    owner_.place_released(of_, source, batch);
}

// First nothing more of the partition is taken; when nothing is parked or in hand any more, the command and
// then the key get their tombstones. In this order: a command that outlived its key would release the next.
void parking::close_when_done() {
    if (!is_settled_ && (!parked_->is_at_end() || in_hand_ > 0)) return;
    closing_ = true;
    parked_entry entry{.partition = of_.origin.where.partition, .key = active_->key};
    if (is_settled_) return write(std::move(entry), [this] { over(); });
    if (taken_to_ < parked_to_ || owner_.has_work_of(of_, optional_bytes(active_->key))) return;
    entry.asks = true;
    write(std::move(entry), [this] {
        asked_.erase(active_->key);
        is_settled_ = true;
    });
}

void parking::over() {
    of_.origin.log->info("a key lives again", {{"topic", of_.origin.where.topic.str()},
                                               {"partition", of_.origin.where.partition.value},
                                               {"how", to_string(active_->what)},
                                               {"records", active_->count}});
    dead_.erase(active_->key);
    of_.figures.dead_keys.set(static_cast<double>(dead_.size()));
    active_.reset();
    parked_.reset();
    closing_ = is_settled_ = false;
}

void parking::died(const optional_bytes& key, offset at) {
    const std::string name(key.text());
    dead_.insert_or_assign(name, at);
    of_.figures.dead_keys.set(static_cast<double>(dead_.size()));
    if (!is_released(key)) return;
    active_.reset(); // what is behind it stays parked
    parked_.reset();
    closing_ = is_settled_ = false;
    asked_.erase(name);
    stale_.insert(name);
}

void parking::forget_stale() {
    if (stale_.empty()) return;
    const std::string key = *stale_.begin();
    write({.partition = of_.origin.where.partition, .key = key, .asks = true}, [this, key] { stale_.erase(key); });
}

// A tombstone. One is under way at a time; one that fails is written again at the next turn.
void parking::write(parked_entry entry, std::function<void()> then) {
    if (is_writing_) return;
    auto to = by_.topic(topic_name(parked_keys_topic(of_.home, *of_.origin.group)));
    if (!to) return of_.origin.log->warn("the topic of dead keys cannot be written", to.error());
    is_writing_ = true;
    ++of_.at_work;
    send_options options;
    options.partition_modulo = static_cast<std::uint32_t>(of_.origin.where.partition.value);
    by_.send(**to, std::string_view(entry.record_key()), nullptr, options,
             [this, then = std::move(then)](result<delivery> answer) {
                 std::optional<error> failure;
                 if (!answer) failure = std::move(answer).error();
                 post_call(loop_, [this, then, failure = std::move(failure)]() noexcept {
                     is_writing_ = false;
                     if (failure)
                         of_.origin.log->warn("the topic of dead keys cannot be written", *failure);
                     else
                         then();
                     if (!failure) listener_.ready();
                     owner_.answered(of_);
                 });
             });
}

} // namespace corvid

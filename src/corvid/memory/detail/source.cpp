// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/source.hpp>

#include <algorithm>

namespace corvid::memory {

using broker::slot;

namespace {

std::shared_ptr<member> member_of(const broker::source_settings& settings, std::shared_ptr<inbox> box) {
    auto made = std::make_shared<member>();
    made->client_id = settings.client_id;
    made->instance_id = settings.instance_id;
    made->cooperative = settings.assignor == "cooperative-sticky";
    made->reads = interest_of(settings);
    made->session = settings.session_timeout;
    made->rebalance_timeout = settings.max_poll_interval;
    made->box = std::move(box);
    return made;
}

} // namespace

source::source(std::shared_ptr<core> of, const broker::source_settings& settings, scheduler& loop,
               broker::source_listener& listener)
    : core_(std::move(of)),
      box_(std::make_shared<inbox>(loop, listener)),
      group_(settings.group),
      reset_(settings.reset) {
    member_ = member_of(settings, box_);
    const auto held = core_->lock();
    core_->keep(box_);
    for (const topic_name& name : settings.topics)
        if (!core_->find(name))
            report(error(errc::unknown_topic,
                         {.operation = "join", .topic = name.str(), .kind = error_kind::retriable}));
    if (!core_->reachable()) report(unreachable_error("join"));
    core_->group_of(group_).join(member_);
    core_->look_again();
}

// Without a close the group learns of it when the session ends, as of any process that dies.
source::~source() {
    places_.clear();
    box_->detach();
    const auto held = core_->lock();
    if (member_->in_group && !member_->silent) core_->group_of(group_).silence(*member_);
    core_->look_again();
}

void source::report(error why) { box_->push(broker::source_error{std::move(why)}); }

// ---- events
// --------------------------------------------------------------------------------------------------------

std::optional<broker::source_event> source::next_event() {
    auto next = box_->pop();
    if (!next) return std::nullopt;
    if (auto* moved = std::get_if<partitions_moved>(&*next))
        return moved->revoke ? take_back(std::move(*moved)) : give(std::move(*moved));
    if (auto* failed = std::get_if<broker::source_error>(&*next)) return std::move(*failed);
    return broker::closed{};
}

broker::source_event source::give(partitions_moved&& what) {
    broker::assigned event;
    for (topic_partition& where : what.partitions) {
        auto free = std::ranges::find_if(places_, [](const auto& one) { return !one; });
        if (free == places_.end()) free = places_.insert(free, nullptr);
        *free = std::make_unique<place>(where, *box_);
        event.partitions.push_back(
            {slot(static_cast<std::uint32_t>(free - places_.begin())), std::move(where)});
    }
    return event;
}

broker::source_event source::take_back(partitions_moved&& what) {
    broker::revoked event{.partitions = {}, .lost = what.lost};
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (!places_[i] || !std::ranges::binary_search(what.partitions, places_[i]->where)) continue;
        places_[i]->revoked = true;
        event.partitions.push_back({slot(static_cast<std::uint32_t>(i)), places_[i]->where});
    }
    return event;
}

void source::release() {
    for (auto& one : places_)
        if (one && one->revoked) one.reset();
    const auto held = core_->lock();
    if (member_->silent) return;
    core_->group_of(group_).released(member_);
    core_->look_again();
}

void source::close() {
    const auto held = core_->lock();
    core_->group_of(group_).close(member_);
    core_->look_again();
}

// ---- records
// -------------------------------------------------------------------------------------------------------

source::place* source::find(slot which) const {
    const auto index = static_cast<std::size_t>(which);
    return index < places_.size() ? places_[index].get() : nullptr;
}

void source::accept(std::span<const broker::start_at> partitions) {
    for (const broker::start_at& one : partitions)
        if (place* at = find(one.id); at && !at->flows) start(*at, one.at);
}

void source::start(place& at, std::optional<offset> given) {
    {
        const auto held = core_->lock();
        at.of = core_->find(at.where.topic);
        if (!given) given = core_->group_of(group_).committed(at.where);
    }
    partition_log* log = at.of ? at.of->log_of(at.where.partition) : nullptr;
    if (!log) return; // deleted meanwhile: the revoke is on its way
    std::optional<log_cursor> from = given ? log->find(given->value) : std::nullopt;
    if (!from) from = reset(at, *log, given.has_value());
    if (!from) return;
    at.cursor = *from;
    at.flows = true;
    log->add_reader(at);
    box_->wake();
}

std::optional<log_cursor> source::reset(place& at, partition_log& log, bool had_position) {
    const bool ends = reset_ == broker::offset_reset::error;
    if (ends || had_position)
        report(error(
            ends ? errc::no_committed_offset : errc::position_reset,
            {.operation = "consume", .topic = at.where.topic.str(), .partition = at.where.partition.value}));
    if (ends) return std::nullopt;
    return reset_ == broker::offset_reset::earliest ? log.first() : log.last();
}

record_batch source::take(slot from, std::size_t most) {
    place* at = find(from);
    if (!at || !at->flows || most == 0 || box_->is_cut() || at->of->deleted.load(std::memory_order_relaxed))
        return {};
    partition_log& log = *at->of->log_of(at->where.partition);
    taken found;
    log.take(at->cursor, core_->reachable() ? most : 0, found, *at);
    if (found.out_of_range) {
        if (const auto again = reset(*at, log, true))
            at->cursor = *again;
        else
            at->stop();
        return take(from, most);
    }
    if (found.records.empty()) return {};
    return {std::move(found.records), std::make_unique<segments_owner>(std::move(found.owners))};
}

broker::partition_progress source::progress(slot of) const {
    const place* at = find(of);
    if (!at || !at->flows) return {};
    const partition_log& log = *at->of->log_of(at->where.partition);
    return {.position = offset(log.position(at->cursor)), .end = log.range().end};
}

// ---- offsets
// -------------------------------------------------------------------------------------------------------

std::optional<error> source::request_failure(const char* operation) {
    if (!core_->reachable() || member_->silent) return unreachable_error(operation);
    commit_failures& scripted = core_->failing_commits();
    if (scripted.left == 0) return std::nullopt;
    --scripted.left;
    return scripted.why;
}

void source::commit(broker::offset_request& request) {
    {
        const auto held = core_->lock();
        request.failure = request_failure("commit");
        if (!request.failure) core_->group_of(group_).commit(*member_, request.offsets);
    }
    box_->loop().post(request);
}

void source::committed(broker::offset_request& request) {
    {
        const auto held = core_->lock();
        request.failure =
            core_->reachable() ? std::nullopt : std::optional(unreachable_error("read committed offsets"));
        if (!request.failure) core_->group_of(group_).read_committed(request.offsets);
    }
    box_->loop().post(request);
}

} // namespace corvid::memory

// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/faults.hpp>

#include <corvid/memory/detail/core.hpp>

#include <algorithm>
#include <stdexcept>

namespace corvid::memory {

namespace {

partition_log& log_of(const core& of, const topic_partition& where) {
    const auto found = of.find(where.topic);
    partition_log* log = found ? found->log_of(where.partition) : nullptr;
    if (!log) throw std::invalid_argument("there is no partition " + to_string(where));
    return *log;
}

std::shared_ptr<member> find_member(core& of, const std::string& group_name, const std::string& name) {
    const auto found = of.groups().find(group_name);
    if (found != of.groups().end())
        for (const auto& one : found->second->members())
            if (!one->silent && (one->id == name || one->client_id == name || one->instance_id == name))
                return one;
    throw std::invalid_argument("group " + group_name + " has no living member " + name);
}

} // namespace

void faults::broker_down() {
    const auto held = core_.lock();
    if (core_.sends().down()) return;
    core_.sends().set_down(true);
    for (const auto& box : core_.outboxes())
        box->warn(unreachable_error("send"));
    for (const auto& box : core_.inboxes())
        box->push(broker::source_error{unreachable_error("consume")});
    core_.look_again();
}

void faults::broker_up() {
    const auto held = core_.lock();
    if (!core_.sends().down()) return;
    core_.sends().set_down(false);
    for (const auto& [name, one] : core_.groups())
        one->reachable_again();
    for (const auto& [name, one] : core_.topics())
        for (const auto& log : one->partitions)
            log->wake_readers();
    core_.look_again();
}

void faults::fail_sends(std::uint64_t count, error why, broker::persistence persisted) {
    core_.sends().fail_next(count, {.why = std::move(why), .persisted = persisted});
}

void faults::delay_sends(duration by) {
    core_.sends().set_delay(by);
    core_.look_again();
}

void faults::fail_commits(std::uint64_t count, error why) {
    const auto held = core_.lock();
    core_.failing_commits() = {.left = count, .why = std::move(why)};
}

void faults::break_sinks(const error& why) {
    const auto held = core_.lock();
    for (const auto& box : core_.outboxes())
        box->break_down(why);
}

void faults::stop_fetch(const topic_partition& from) {
    const auto held = core_.lock();
    log_of(core_, from).stop_readers(true);
}

void faults::resume_fetch(const topic_partition& from) {
    const auto held = core_.lock();
    log_of(core_, from).stop_readers(false);
}

void faults::skip_offsets(const topic_partition& of, std::int64_t count) {
    if (count < 0) throw std::invalid_argument("offsets cannot be skipped backwards");
    const auto held = core_.lock();
    log_of(core_, of).skip(count);
}

void faults::delete_records(const topic_partition& of, offset before) {
    const auto held = core_.lock();
    log_of(core_, of).delete_before(before.value);
}

void faults::rebalance(const std::string& name) {
    const auto held = core_.lock();
    core_.group_of(name).rebalance();
    core_.look_again();
}

void faults::drop_member(const std::string& name, const std::string& which) {
    const auto held = core_.lock();
    core_.group_of(name).silence(*find_member(core_, name, which));
    core_.look_again();
}

void faults::lose_assignment(const std::string& name, const std::string& which) {
    const auto held = core_.lock();
    core_.group_of(name).lose(find_member(core_, name, which));
    core_.look_again();
}

group_info faults::describe(const std::string& name) const {
    const auto held = core_.lock();
    const auto found = core_.groups().find(name);
    if (found == core_.groups().end()) return {};
    const group& of = *found->second;
    group_info info{
        .generation = of.generation(), .rebalancing = of.phase() == group_phase::preparing, .members = {}};
    for (const auto& one : of.members())
        info.members.push_back({.id = one->id,
                                .client_id = one->client_id,
                                .instance_id = one->instance_id,
                                .alive = !one->silent,
                                .owned = one->owned});
    return info;
}

std::optional<offset> faults::committed(const std::string& name, const topic_partition& of) const {
    const auto held = core_.lock();
    const auto found = core_.groups().find(name);
    return found == core_.groups().end() ? std::nullopt : found->second->committed(of);
}

std::vector<stored_record> faults::records_of(const topic_partition& of) const {
    const auto held = core_.lock();
    const auto text = [](const optional_bytes& b) {
        return b ? std::optional(std::string(b.text())) : std::nullopt;
    };
    taken found;
    log_of(core_, of).read_all(found);
    std::vector<stored_record> all;
    for (const record& each : found.records) {
        auto& copy = all.emplace_back(offset(each.offset), each.time(), text(each.key), text(each.value));
        header_list list;
        static_cast<const frame*>(each.native)->read_headers(list);
        for (const header_view& one : list)
            copy.headers.emplace_back(one.name, one.value.text());
    }
    return all;
}

offset faults::end_of_records(const topic_partition& of) const {
    const auto held = core_.lock();
    return offset(log_of(core_, of).end_of_records());
}

std::int32_t faults::partitions_of(const topic_name& name) const {
    const auto held = core_.lock();
    const auto found = core_.find(name);
    return found ? found->spec.partitions : 0;
}

std::vector<std::string> faults::groups() const {
    const auto held = core_.lock();
    std::vector<std::string> names;
    for (const auto& [name, one] : core_.groups())
        names.push_back(name);
    return names;
}

std::string faults::committed_metadata(const std::string& name, const topic_partition& of) const {
    const auto held = core_.lock();
    std::vector<broker::committed_offset> asked{{.where = of}};
    if (const auto found = core_.groups().find(name); found != core_.groups().end())
        found->second->read_committed(asked);
    return asked.front().metadata;
}

std::optional<std::map<std::string, std::string>> faults::config_of(const topic_name& name) const {
    const auto held = core_.lock();
    const auto found = core_.find(name);
    return found ? std::optional(found->spec.config) : std::nullopt;
}

} // namespace corvid::memory

// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/admin.hpp>

namespace corvid::memory {

namespace {

using patience = std::chrono::milliseconds;

std::unexpected<error> no_topic(const char* operation, const topic_name& name) {
    return fail(errc::unknown_topic, {.operation = operation, .topic = name.str()});
}

broker::topic_info info_of(const topic& of) {
    return {.name = of.spec.name,
            .partitions = of.spec.partitions,
            .replication = std::max(of.spec.replication, 1)};
}

} // namespace

result<void> admin::create_topic(const broker::topic_spec& spec, patience) {
    const auto held = core_->lock();
    if (auto usable = core_->usable("create topic"); !usable) return usable;
    if (core_->find(spec.name))
        return fail(errc::topic_exists, {.operation = "create topic", .topic = spec.name.str()});
    auto made = make_topic(spec);
    if (!made) return fail(std::move(made.error()));
    core_->add_topic(std::move(*made));
    return {};
}

result<void> admin::delete_topic(const topic_name& name, patience) {
    const auto held = core_->lock();
    if (auto usable = core_->usable("delete topic"); !usable) return usable;
    if (!core_->find(name)) return no_topic("delete topic", name);
    core_->remove_topic(name);
    return {};
}

result<broker::topic_info> admin::describe_topic(const topic_name& name, patience) {
    const auto held = core_->lock();
    if (auto usable = core_->usable("describe topic"); !usable) return fail(usable.error());
    const auto found = core_->find(name);
    if (!found) return no_topic("describe topic", name);
    return info_of(*found);
}

result<std::vector<broker::topic_info>> admin::list_topics(patience) {
    const auto held = core_->lock();
    if (auto usable = core_->usable("list topics"); !usable) return fail(usable.error());
    std::vector<broker::topic_info> all;
    for (const auto& [name, one] : core_->topics())
        all.push_back(info_of(*one));
    return all;
}

result<broker::log_range> admin::range_of(const topic_partition& where, patience) {
    const auto held = core_->lock();
    if (auto usable = core_->usable("read log range"); !usable) return fail(usable.error());
    const auto found = core_->find(where.topic);
    if (!found) return no_topic("read log range", where.topic);
    if (const partition_log* log = found->log_of(where.partition)) return log->range();
    return fail(
        errc::unknown_partition,
        {.operation = "read log range", .topic = where.topic.str(), .partition = where.partition.value});
}

} // namespace corvid::memory

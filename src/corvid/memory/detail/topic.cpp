// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/topic.hpp>

#include <charconv>

namespace corvid::memory {

namespace {

// The number under `name`, `otherwise` where there is none; none where it is no number.
std::optional<std::int64_t> number(const broker::topic_spec& spec, const std::string& name,
                                   std::int64_t otherwise) {
    const auto found = spec.config.find(name);
    if (found == spec.config.end()) return otherwise;
    const std::string& text = found->second;
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string value_of(const broker::topic_spec& spec, const std::string& name) {
    const auto found = spec.config.find(name);
    return found == spec.config.end() ? std::string() : found->second;
}

std::unexpected<error> refuse(const broker::topic_spec& spec, std::string why) {
    return fail(errc::broker_refused,
                {.message = std::move(why), .operation = "create topic", .topic = spec.name.str()});
}

bool is_cleanup_policy(const std::string& text) {
    return text.empty() || text == "delete" || text == "compact" || text == "compact,delete" ||
           text == "delete,compact";
}

} // namespace

topic::topic(broker::topic_spec made_as)
    : spec(std::move(made_as)),
      max_message_bytes(static_cast<std::size_t>(*number(spec, "max.message.bytes", 1'048'588))),
      stamped_on_append(value_of(spec, "message.timestamp.type") == "LogAppendTime") {
    const std::int64_t retain = *number(spec, "retention.bytes", -1);
    for (std::int32_t i = 0; i < spec.partitions; ++i)
        partitions.push_back(
            std::make_unique<partition_log>(retain < 0 ? 0 : static_cast<std::size_t>(retain)));
}

result<std::shared_ptr<topic>> make_topic(const broker::topic_spec& spec) {
    if (!is_kafka_topic(spec.name.str())) return refuse(spec, "the name breaks Kafka's rule for topics");
    if (spec.partitions < 1) return refuse(spec, "a topic has one partition at least");
    if (spec.replication == 0 || spec.replication < -1)
        return refuse(spec, "the replication factor is not above 0");
    if (!is_cleanup_policy(value_of(spec, "cleanup.policy")))
        return refuse(spec, "cleanup.policy is neither delete nor compact nor both");
    for (const char* name : {"max.message.bytes", "retention.bytes"}) {
        const auto value = number(spec, name, 0);
        if (!value || *value < -1) return refuse(spec, std::string(name) + " is no number of bytes");
    }
    return std::make_shared<topic>(spec);
}

} // namespace corvid::memory

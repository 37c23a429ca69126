// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/parking/entry.hpp>

#include <corvid/message/wire_names.hpp>
#include <corvid/produce/publisher.hpp>

#include <algorithm>
#include <charconv>

namespace corvid {

namespace {

constexpr std::string_view dead_is = "dead:", ask_is = "ask:", at_is = "corvid1;at=", command_is = "corvid1;";

template <class T>
std::optional<T> number_in(std::string_view text) noexcept {
    T value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

} // namespace

std::string parked_topic(const topic_name& of, const std::string& group) {
    return of.str() + '.' + group + ".parked";
}

std::string parked_keys_topic(const topic_name& of, const std::string& group) {
    return of.str() + '.' + group + ".parked-keys";
}

std::string_view to_string(parked_command what) noexcept {
    return what == parked_command::release ? "release" : "discard";
}

std::string parked_entry::record_key() const {
    return std::string(asks ? ask_is : dead_is) + std::to_string(partition.value) + ':' + key;
}

std::string parked_entry::record_value() const {
    if (command) return std::string(command_is) + std::string(to_string(*command));
    return at ? std::string(at_is) + std::to_string(at->value) : std::string();
}

std::optional<parked_entry> parked_entry::read(const record& what) {
    std::string_view name = what.key.text();
    parked_entry entry;
    entry.asks = name.starts_with(ask_is);
    if (!entry.asks && !name.starts_with(dead_is)) return std::nullopt;
    name.remove_prefix(entry.asks ? ask_is.size() : dead_is.size());
    const auto colon = name.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto number = number_in<std::int32_t>(name.substr(0, colon));
    if (!number) return std::nullopt;
    entry.partition = partition_id(*number);
    entry.key = name.substr(colon + 1);
    if (!what.value) return entry;
    std::string_view value = what.value.text();
    if (entry.asks) {
        for (const parked_command each : {parked_command::release, parked_command::discard})
            if (value == std::string(command_is) + std::string(to_string(each))) entry.command = each;
        return entry.command ? std::optional(entry) : std::nullopt;
    }
    if (!value.starts_with(at_is)) return std::nullopt;
    const auto at = number_in<std::int64_t>(value.substr(at_is.size()));
    if (!at) return std::nullopt;
    entry.at = offset(*at);
    return entry;
}

// What a transfer adds stands behind what was there, and begins with the topic.
std::optional<parked_origin> parked_origin::read(const header_list& its_headers) {
    const auto added =
        std::ranges::find(its_headers.rbegin(), its_headers.rend(), wire::dlq_topic, &header_view::name);
    if (added == its_headers.rend()) return std::nullopt;
    const auto first = added.base() - 1;
    const header_list own(first, its_headers.end());
    const auto partition = number_in<std::int32_t>(find_header(own, wire::dlq_partition).value_or(""));
    const auto at = number_in<std::int64_t>(find_header(own, wire::dlq_offset).value_or(""));
    if (!partition || !at) return std::nullopt;
    return parked_origin{.where = {topic_name(std::string(added->value.text())), partition_id(*partition)},
                         .at = offset(*at),
                         .its_headers = header_list(its_headers.begin(), first)};
}

void send_parked_entry(publisher& by, const topic_name& home, const std::string& group,
                       const parked_entry& what, std::function<void(result<offset>)> then) {
    auto to = by.topic(topic_name(parked_keys_topic(home, group)));
    if (!to) return then(fail(std::move(to).error()));
    send_options options{.is_transfer = true};
    options.partition_modulo = static_cast<std::uint32_t>(what.partition.value);
    const std::string key = what.record_key(), value = what.record_value();
    by.send(**to, std::string_view(key), value.empty() ? optional_bytes() : optional_bytes(value), options,
            [then = std::move(then)](result<delivery> answer) {
                then(answer ? result<offset>(answer->offset) : fail(std::move(answer).error()));
            });
}

void ask_parked(publisher& by, const topic_partition& where, const std::string& group, std::string_view key,
                parked_command what, std::function<void(std::optional<error>)> then) {
    const parked_entry entry{
        .partition = where.partition, .key = std::string(key), .asks = true, .command = what};
    send_parked_entry(by, where.topic, group, entry, [then = std::move(then)](result<offset> answer) {
        then(answer ? std::nullopt : std::optional(std::move(answer).error()));
    });
}

} // namespace corvid

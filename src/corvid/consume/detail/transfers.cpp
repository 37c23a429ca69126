// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/transfers.hpp>

#include <corvid/consume/parking/entry.hpp>
#include <corvid/message/wire_names.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>

namespace corvid {

namespace {

constexpr std::size_t most_of_a_text = 4'096;

/// Cut between characters.
std::string cut(std::string text) {
    if (text.size() <= most_of_a_text) return text;
    std::size_t end = most_of_a_text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    text.resize(end);
    return text;
}

/// What a transfer writes, and the next one writes anew.
constexpr std::array own_names = {wire::dlq_topic,   wire::dlq_partition,      wire::dlq_offset,
                                  wire::dlq_group,   wire::dlq_delivery_count, wire::dlq_message,
                                  wire::retry_count, wire::retry_due_at,       wire::error_type,
                                  wire::error_stack, wire::first_failed_at,    wire::service,
                                  wire::instance};

/// Headers in the order of adding; owns the texts that it made.
class header_writer {
public:
    explicit header_writer(header_list first) : all_(std::move(first)) {}
    void add(std::string_view name, std::string value) {
        all_.push_back({name, optional_bytes(texts_.emplace_back(std::move(value)))});
    }
    [[nodiscard]] const header_list& all() const noexcept { return all_; }

private:
    std::deque<std::string> texts_;
    header_list all_;
};

std::int64_t number_in(const header_list& list, std::string_view name) {
    const std::string_view text = find_header(list, name).value_or("");
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string milliseconds_of(wall_time when) { return std::to_string(when.time_since_epoch().count()); }

/// Without what an earlier transfer wrote. Only that: the same names in a record that a user sent are the
/// user's.
header_list headers_of(const held_record& what) {
    header_list list = what.its_headers();
    if (what.of->tier > 0)
        std::erase_if(list, [](const header_view& h) {
            return std::ranges::find(own_names, h.name) != own_names.end();
        });
    return list;
}

/// Where it came from first.
void add_source(header_writer& to, const held_record& what) {
    const header_list& list = what.its_headers();
    for (const std::string_view name : {wire::dlq_topic, wire::dlq_partition, wire::dlq_offset}) {
        const auto earlier = what.of->tier > 0 ? find_header(list, name) : std::nullopt;
        const topic_partition& where = what.of->origin.where;
        to.add(name, earlier                       ? std::string(*earlier)
                     : name == wire::dlq_topic     ? where.topic.str()
                     : name == wire::dlq_partition ? std::to_string(where.partition.value)
                                                   : std::to_string(what.what().offset));
    }
}

void add_failure(header_writer& to, const held_record& what) {
    const error why = what.failure().why.value_or(error(errc::handler_rejected, {.operation = "handle"}));
    const int unrun = why.code() == errc::key_is_dead ? 1 : 0; // the attempt that its key's death forestalled
    to.add(wire::dlq_group, *what.of->origin.group);
    to.add(wire::dlq_delivery_count, std::to_string(what.all_attempts() - unrun));
    if (!what.failure().was_too_large) to.add(wire::dlq_message, cut(std::string(why.message())));
    to.add(wire::retry_count, std::to_string(what.all_attempts() - 1));
    to.add(wire::error_type, std::string(info_of(why.code()).name));
    if (!what.failure().was_too_large) to.add(wire::error_stack, cut(why.describe()));
}

} // namespace

std::string dead_letter_topic(const topic_name& of, const std::string& group) {
    return of.str() + '.' + group + ".dlq";
}

std::string retry_topic(const topic_name& of, const std::string& group, duration delay) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
    const auto in = [&](std::int64_t unit) { return ms % unit == 0 ? ms / unit : 0; };
    const std::string text = in(3'600'000) ? std::to_string(in(3'600'000)) + 'h'
                             : in(60'000)  ? std::to_string(in(60'000)) + 'm'
                             : in(1'000)   ? std::to_string(in(1'000)) + 's'
                                           : std::to_string(ms) + "ms";
    return of.str() + '.' + group + ".retry." + text;
}

wall_time read_retry(held_record& into) {
    const header_list& list = into.its_headers();
    into.attempts_before = static_cast<int>(number_in(list, wire::retry_count));
    into.note_failure().first_at =
        wall_time(std::chrono::milliseconds(number_in(list, wire::first_failed_at)));
    return wall_time(std::chrono::milliseconds(number_in(list, wire::retry_due_at)));
}

result<published_topic*> transfers::destination(const held_record& what) const {
    const topic_name& home = what.of->home;
    const std::string& group = *what.of->origin.group;
    switch (what.goes) {
    case held_record::destination::retry_topic:
        return by_->topic(topic_name(retry_topic(home, group, what.failure().delay)));
    case held_record::destination::parked:
        return by_->topic(topic_name(parked_topic(home, group)));
    default:
        return by_->topic(topic_name(dead_letter_topic(home, group)));
    }
}

void transfers::start(const held_record& what, callback then) const {
    if (what.goes == held_record::destination::dead_key)
        return send_parked_entry(*by_, what.of->home, *what.of->origin.group,
                                 {.partition = what.of->origin.where.partition,
                                  .key = std::string(what.what().key.text()),
                                  .at = offset(what.offset)},
                                 std::move(then));
    auto to = destination(what);
    if (!to) return then(fail(std::move(to).error()));
    header_writer headers(headers_of(what));
    add_source(headers, what);
    if (what.goes == held_record::destination::retry_topic) {
        const auto delay = std::chrono::ceil<std::chrono::milliseconds>(what.failure().delay);
        headers.add(wire::retry_count, std::to_string(what.all_attempts()));
        headers.add(wire::retry_due_at, milliseconds_of(clock_.wall_now() + delay));
    } else {
        add_failure(headers, what);
        headers.add(wire::service, service_);
        headers.add(wire::instance, instance_);
    }
    headers.add(wire::first_failed_at, milliseconds_of(what.failure().first_at));
    const record& r = what.what();
    send_options options{.headers = headers.all(), .is_transfer = true};
    options.partition_modulo = static_cast<std::uint32_t>(what.of->origin.where.partition.value);
    if (r.timestamp >= 0) options.timestamp = r.time();
    by_->send(**to, r.key, r.value, options, [then = std::move(then)](result<delivery> answer) {
        then(answer ? result<offset>(answer->offset) : fail(std::move(answer).error()));
    });
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/dead_letters.hpp>

#include <corvid/message/wire_names.hpp>

#include <deque>

namespace corvid {

namespace {

constexpr std::size_t most_of_a_stack = 4'096;

/// Headers in the order of adding; owns the texts that it made.
class header_writer {
public:
    explicit header_writer(const header_list& first) : all_(first) {}
    void add(std::string_view name, std::string value) {
        all_.push_back({name, optional_bytes(texts_.emplace_back(std::move(value)))});
    }
    [[nodiscard]] const header_list& all() const noexcept { return all_; }

private:
    std::deque<std::string> texts_;
    header_list all_;
};

void add_provenance(header_writer& to, const held_record& what) {
    const run_origin& from = what.of->origin;
    const error why = what.why.value_or(error(errc::handler_rejected, {.operation = "handle"}));
    to.add(wire::dlq_topic, from.where.topic.str());
    to.add(wire::dlq_partition, std::to_string(from.where.partition.value));
    to.add(wire::dlq_offset, std::to_string(what.what().offset));
    to.add(wire::dlq_group, *from.group);
    to.add(wire::dlq_delivery_count, std::to_string(what.attempt));
    to.add(wire::dlq_message, std::string(why.message()));
    to.add(wire::retry_count, std::to_string(what.attempt - 1));
    to.add(wire::error_type, std::string(info_of(why.code()).name));
    to.add(wire::error_stack, why.describe().substr(0, most_of_a_stack));
    to.add(wire::first_failed_at, std::to_string(what.first_failed.time_since_epoch().count()));
}

} // namespace

std::string dead_letter_topic(const topic_name& of, const std::string& group) {
    return of.str() + '.' + group + ".dlq";
}

result<published_topic*> dead_letters::topic_of(const held_record& what) const {
    const run_origin& from = what.of->origin;
    return by_->topic(topic_name(dead_letter_topic(from.where.topic, *from.group)));
}

void dead_letters::send(const held_record& what, std::function<void(std::optional<error>)> then) const {
    auto to = topic_of(what);
    if (!to) return then(std::move(to).error());
    header_writer headers(what.its_headers());
    add_provenance(headers, what);
    headers.add(wire::service, service_);
    headers.add(wire::instance, instance_);
    const record& r = what.what();
    send_options options{.headers = headers.all()};
    options.partition_modulo = static_cast<std::uint32_t>(what.of->origin.where.partition.value);
    if (r.timestamp >= 0) options.timestamp = r.time();
    by_->send(**to, r.key, r.value, options, [then = std::move(then)](result<delivery> answer) {
        then(answer ? std::nullopt : std::optional(std::move(answer).error()));
    });
}

} // namespace corvid

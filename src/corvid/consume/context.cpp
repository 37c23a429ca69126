// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/context.hpp>

#include <corvid/observe/trace_context.hpp>

namespace corvid {

namespace {

std::optional<std::string> source_of(const header_list& list) {
    const auto topic = find_header(list, wire::dlq_topic);
    const auto partition = find_header(list, wire::dlq_partition);
    const auto at = find_header(list, wire::dlq_offset);
    if (!topic || !partition || !at) return std::nullopt;
    return std::string(*topic) + '-' + std::string(*partition) + '-' + std::string(*at);
}

} // namespace

std::string event_id_of(const run_origin& origin, std::int64_t offset, const header_list& list) {
    for (std::string_view name : {wire::idempotency_key, std::string_view("ce_id")})
        if (auto id = find_header(list, name)) return std::string(*id);
    if (origin.is_retry_topic)
        if (auto source = source_of(list)) return *std::move(source);
    std::string id = origin.where.topic.str();
    id += '-';
    id += std::to_string(origin.where.partition.value);
    id += '-';
    id += std::to_string(offset);
    return id;
}

logger log_of(const run_origin& origin, std::int64_t offset, const header_list& its_headers) {
    const topic_partition& where = origin.where;
    logger mine = origin.log->with(
        {{"topic", where.topic.str()}, {"partition", where.partition.value}, {"offset", offset}});
    if (const auto id = find_header(its_headers, wire::correlation_id))
        mine = mine.with({{wire::correlation_id, *id}});
    if (const auto text = find_header(its_headers, wire::traceparent))
        if (const auto trace = trace_context::parse(*text))
            mine = mine.with({{"trace_id", trace->trace_id_text()}});
    return mine;
}

error located_in(const error& why, const topic_partition& where, std::int64_t offset) {
    error_details d = why.details();
    d.operation = "decode";
    d.topic = where.topic.str();
    d.partition = where.partition.value;
    d.offset = offset;
    return error(why.code(), std::move(d));
}

std::string context::correlation_id() const {
    if (const auto id = find_header(headers(), wire::correlation_id)) return std::string(*id);
    return event_id();
}

std::optional<std::string> context::causation_id() const {
    if (const auto id = find_header(headers(), wire::causation_id)) return std::string(*id);
    return std::nullopt;
}

trace_context context::trace() const {
    if (within_ && within_->traced()) return within_->traced()->context;
    return begin_span(headers(), {.topic = topic(),
                                  .group = group(),
                                  .partition = partition().value,
                                  .offset = record_->offset,
                                  .attempt = attempt_})
        .context;
}

detail::publish_headers context::next_publish(const send_options& given) {
    const std::string from = event_id();
    std::string id(given.event_id);
    if (id.empty()) {
        id = from + '/';
        if (const auto part = run_->part(); part > 0) id += std::to_string(part) + '.';
        id += std::to_string(run_->next_number());
    }
    return {std::move(id), from, headers(), trace(), given.headers};
}

result<delivery> context::no_producer() {
    return fail(errc::invalid_setting, {.message = "the group of this handler has no producer",
                                        .hint = "set group_settings::producer",
                                        .operation = "publish"});
}

logger context::log() const {
    const header_list list = headers();
    logger mine = log_of(run_->origin(), record_->offset, list);
    const bool traced = within_ && within_->traced();
    if (!traced && !find_header(list, wire::traceparent)) return mine;
    const trace_context span = trace();
    if (!find_header(list, wire::traceparent)) mine = mine.with({{"trace_id", span.trace_id_text()}});
    return mine.with({{"span_id", span.span_id_text()}});
}

} // namespace corvid

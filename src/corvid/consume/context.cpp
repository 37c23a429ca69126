// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/context.hpp>

#include <corvid/observe/trace_context.hpp>

namespace corvid {

std::string context::event_id() const {
    const header_list list = headers();
    for (std::string_view name : {wire::idempotency_key, std::string_view("ce_id")})
        if (auto id = find_header(list, name)) return std::string(*id);
    return topic() + '-' + std::to_string(partition().value) + '-' + std::to_string(offset().value);
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

logger context::log() const { return log_of(run_->origin(), record_->offset, headers()); }

} // namespace corvid

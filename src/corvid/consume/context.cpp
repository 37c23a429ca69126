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

logger context::log() const {
    logger mine = run_->origin().log->with(
        {{"topic", topic()}, {"partition", partition().value}, {"offset", offset().value}});
    const header_list list = headers();
    if (const auto id = find_header(list, wire::correlation_id))
        mine = mine.with({{wire::correlation_id, *id}});
    if (const auto text = find_header(list, wire::traceparent))
        if (const auto trace = trace_context::parse(*text))
            mine = mine.with({{"trace_id", trace->trace_id_text()}});
    return mine;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// event_cells: rows of the table as a relay reads them, moved out of an answer. Pure. Internal.
#pragma once

#include <corvid/outbox/relay/relay_tables.hpp>

#include <string_view>

namespace corvid::outbox_detail {

/// What is selected, of the table as `o`; {stride} as relay_tables puts it.
inline constexpr std::string_view event_columns =
    "o.shard, o.seq / {stride} as number, o.id, o.aggregate_type, "
    "o.aggregate_id, o.topic, o.payload, o.headers, o.created_at";

/// Adds the rows of an answer that has these columns: the lowest of each shard, at most `limit`; what lies
/// above them was perhaps not read.
[[nodiscard]] result<void> add_rows(store::answer& of, std::size_t limit, read_answer& to);

} // namespace corvid::outbox_detail

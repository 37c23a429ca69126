// SPDX-License-Identifier: Apache-2.0
//
// How the type of a record's message is known where several types share a topic: by header `event_type`, else
// by the CloudEvents header `ce_type`, or by what the user says instead.
#pragma once

#include <corvid/message/envelope.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

/// Says the type of a record's message; none: it has none. Called once an attempt, where the handler runs.
using type_selector = std::function<std::optional<std::string>(const record_origin&)>;

/// The text in that member of the record's JSON object, as in {"type":"feed_liked", …}. A record that has no
/// such text, or is no object, has no type.
[[nodiscard]] type_selector json_field(std::string name);

namespace detail {
/// Of the headers, the last of its name, as find_header() has it. Borrows from the record.
[[nodiscard]] std::optional<std::string_view> event_type_in(const header_list& headers) noexcept;
[[nodiscard]] error unknown_event_type(std::string_view type);
} // namespace detail

} // namespace corvid

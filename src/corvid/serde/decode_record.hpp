// SPDX-License-Identifier: Apache-2.0
//
// From a record to a message: the version that its header names is read, and upcast to the newest.
#pragma once

#include <corvid/message/wire_names.hpp>
#include <corvid/model/record.hpp>
#include <corvid/serde/format.hpp>
#include <corvid/serde/json/json.hpp>

namespace corvid {

/// Reads the record's value into `to`, whose memory is used again. Errors: empty_payload, unknown_version,
/// upcast_failed, and those of the format.
template <Message T>
[[nodiscard]] result<void> decode_record(const record& from, const header_list& headers, T& to) {
    auto version = version_of(find_header(headers, wire::event_version));
    if (!version) return fail(std::move(version).error());
    return decode_message<json::format>(from.value, *version, to);
}

} // namespace corvid

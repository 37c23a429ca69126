// SPDX-License-Identifier: Apache-2.0
//
// From a record to a message: the version that its header names is read, and upcast to the newest.
#pragma once

#include <corvid/message/upcast.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/model/record.hpp>
#include <corvid/serde/json/json.hpp>

#include <charconv>

namespace corvid {

/// The version in the header event_version: absent reads as 1, anything but a number as 0, which no message
/// has.
[[nodiscard]] inline int version_of(const header_list& headers) noexcept {
    const auto text = find_header(headers, wire::event_version);
    if (!text) return wire::default_version;
    int version = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), version);
    return problem == std::errc{} && end == text->data() + text->size() ? version : 0;
}

/// Reads the record's value into `to`, whose memory is used again. Errors: empty_payload, unknown_version,
/// upcast_failed, and those of the format.
template <Message T>
[[nodiscard]] result<void> decode_record(const record_batch& batch, const record& from, T& to) {
    if (!from.value) return fail(errc::empty_payload);
    return read_version(version_of(batch.headers_of(from)), to,
                        [&](auto& version) { return json::decode(from.value.bytes(), version); });
}

} // namespace corvid

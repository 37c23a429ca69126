// SPDX-License-Identifier: Apache-2.0
//
// JSON for messages and values: corvid::json::encode and decode, and `corvid::json::format` for code that is
// generic over formats.
//
// On the wire (message.hpp tells what members may be):
//   enum                   its name                         sys_time   "2013-01-01T10:15:00Z", RFC 3339, UTC
//   optional, empty        left out; null in lists          date       "2013-01-31"
//   vector, array          an array; N elements exactly     duration   a number: its count
//   map                    an object                        uuid       "0192c2a0-7b3c-7def-8123-456789abcdef"
//   variant                {"name":value}; monostate: null  bytes      base64
//   decimal                "12.50"; numbers are read too    float      the shortest digits that read back the
//   same
// `name` of an alternative: that of its struct, else boolean, integer, number, string, enum, array, map,
// time, date, duration, uuid, bytes, decimal.
//
// What a reader refuses: anything that RFC 8259 does not allow, a root that is no object, more than 64
// levels, members named twice, numbers that do not fit, halves of surrogate pairs, invalid UTF-8, text behind
// the document. That holds inside ignored members too. Fractions of a second beyond a member's resolution are
// cut off.
//
// All functions are safe from any thread; they use buffers of their thread's own.
#pragma once

#include <corvid/model/bytes.hpp>
#include <corvid/serde/json/read_structure.hpp>
#include <corvid/serde/json/write_value.hpp>

namespace corvid::json {

/// Appends `value` to `to`. errc::unserialisable, with the member's path, leaves `to` as it was.
template <Value T>
[[nodiscard]] result<void> encode(const T& value, byte_buffer& to) {
    const std::size_t before = to.size();
    writer out(to);
    if (write_value(out, value)) return {};
    to.truncate(before);
    return fail(out.why());
}

/// Reads `payload` into `to`, whose memory is used again; after an error `to` holds anything.
template <Value T>
[[nodiscard]] result<void> decode(bytes_view payload, T& to) {
    reader in(as_text(payload));
    if (read_structure(in, to) && in.end()) return {};
    return fail(in.why());
}

template <Value T>
[[nodiscard]] result<T> decode(std::string_view payload) {
    T value{};
    if (auto read = decode(as_bytes(payload), value); !read) return fail(std::move(read).error());
    return value;
}

/// JSON as a Format (serde/format.hpp).
struct format {
    static constexpr std::string_view name = "json";
    static constexpr std::string_view content_type = "application/json";

    template <Value T>
    [[nodiscard]] static result<void> encode(const T& value, byte_buffer& to) {
        return json::encode(value, to);
    }
    template <Value T>
    [[nodiscard]] static result<void> decode(bytes_view payload, T& to) {
        return json::decode(payload, to);
    }
};

} // namespace corvid::json

// SPDX-License-Identifier: Apache-2.0
//
// What source and sink both read out of librdkafka's messages.
#pragma once

#include <corvid/kafka/detail/handles.hpp>
#include <corvid/model/headers.hpp>

#include <array>
#include <cstdint>
#include <cstring>

namespace corvid::kafka {

[[nodiscard]] inline optional_bytes bytes_of(const void* data, std::size_t size) noexcept {
    return data ? optional_bytes(bytes_view(static_cast<const std::byte*>(data), size)) : optional_bytes();
}

/// Milliseconds since the epoch, -1 where there is none.
[[nodiscard]] inline std::int64_t timestamp_of(const rd_kafka_message_t& message) noexcept {
    rd_kafka_timestamp_type_t type{};
    return rd_kafka_message_timestamp(&message, &type);
}

/// Whether a message as a consumer received it surely has no headers, without asking librdkafka, which
/// allocates twice to say so. It hands values out where it received them, and there, in a record of format 2
/// (KIP-98), stand before the value its length, as a zigzag varint, and behind it the number of headers.
/// Formats 0 and 1 have no headers but the next record behind the value, and a length of four bytes,
/// big-endian, before it: no length but 0 looks the same in both.
[[nodiscard]] inline bool is_received_without_headers(const rd_kafka_message_t& message) noexcept {
    if (!message.payload || message.len == 0) return false;
    std::array<unsigned char, 10> length{};
    std::size_t size = 0;
    for (std::uint64_t rest = std::uint64_t{message.len} << 1U; size == 0 || rest != 0; rest >>= 7U)
        length[size++] = static_cast<unsigned char>((rest & 0x7fU) | (rest > 0x7fU ? 0x80U : 0U));
    const auto* value = static_cast<const unsigned char*>(message.payload);
    return std::memcmp(value - size, length.data(), size) == 0 && value[message.len] == 0;
}

/// Appends the message's headers; librdkafka parses them at the first call.
inline void read_headers_of(const rd_kafka_message_t& message, header_list& into) {
    rd_kafka_headers_t* all = nullptr;
    if (rd_kafka_message_headers(&message, &all) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; !rd_kafka_header_get_all(all, i, &name, &value, &size); ++i)
        into.push_back({.name = name, .value = bytes_of(value, size)});
}

} // namespace corvid::kafka

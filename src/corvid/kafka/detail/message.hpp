// SPDX-License-Identifier: Apache-2.0
//
// What source and sink both read out of librdkafka's messages.
#pragma once

#include <corvid/kafka/detail/handles.hpp>
#include <corvid/model/headers.hpp>

#include <cstdint>

namespace corvid::kafka {

[[nodiscard]] inline optional_bytes bytes_of(const void* data, std::size_t size) noexcept {
    return data ? optional_bytes(bytes_view(static_cast<const std::byte*>(data), size)) : optional_bytes();
}

/// Milliseconds since the epoch, -1 where there is none.
[[nodiscard]] inline std::int64_t timestamp_of(const rd_kafka_message_t& message) noexcept {
    rd_kafka_timestamp_type_t type{};
    return rd_kafka_message_timestamp(&message, &type);
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

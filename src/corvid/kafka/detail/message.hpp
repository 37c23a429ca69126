// SPDX-License-Identifier: Apache-2.0
//
// What source and sink both read out of librdkafka's messages.
#pragma once

#include <corvid/kafka/detail/handles.hpp>
#include <corvid/model/headers.hpp>

#include <array>
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

/// Reads a received record backwards from its value. Each step either matches what stands there or answers
/// false, and a match is compared from its last byte on: so nothing is read that librdkafka's own reader did
/// not walk over on its way to the value.
class wire_cursor {
public:
    explicit wire_cursor(const void* behind) noexcept : at_(static_cast<const unsigned char*>(behind)) {}

    /// Over the shortest form of `number`, as a varint.
    [[nodiscard]] bool over(std::uint64_t number) noexcept {
        std::array<unsigned char, 10> text{};
        std::size_t size = 0;
        do {
            text[size++] = static_cast<unsigned char>((number & 0x7fU) | (number > 0x7fU ? 0x80U : 0U));
            number >>= 7U;
        } while (number != 0);
        while (size != 0)
            if (*--at_ != text[--size]) return false;
        return true;
    }
    /// Over any varint that has another number before it.
    [[nodiscard]] bool over_number() noexcept {
        if (*--at_ > 0x7fU) return false;
        while (at_[-1] > 0x7fU)
            --at_;
        return true;
    }
    [[nodiscard]] bool over_byte(unsigned char expected) noexcept { return *--at_ == expected; }
    [[nodiscard]] bool over_key(const rd_kafka_message_t& of) noexcept {
        if (!of.key) return over(1); // -1 in zigzag
        if (of.key_len == 0) return over(0);
        if (static_cast<const unsigned char*>(of.key) + of.key_len != at_) return false;
        at_ -= of.key_len;
        return over(std::uint64_t{of.key_len} << 1U);
    }
    [[nodiscard]] std::size_t distance_to(const unsigned char* end) const noexcept {
        return static_cast<std::size_t>(end - at_);
    }

private:
    const unsigned char* at_;
};

/// Whether a message as a consumer received it surely has no headers, without asking librdkafka, which
/// allocates twice to say so. librdkafka hands keys and values out where they stand in the fetched (or
/// decompressed) batch, and there a record of format 2 (KIP-98) is: its length, attributes (0), the deltas of
/// time and offset, the key and the value behind their lengths, the number of headers; all but the attributes
/// zigzag varints.
///
/// The number of headers is read only where the record's own length reaches over it: librdkafka does not look
/// at it before it is asked for headers, but hands no record out whose length leaves the batch. (One that
/// pretends to have 4 GiB or more it cuts to 32 bits; no broker can send it.) If the length went on to the
/// left of what was compared, it would be larger still, or negative and refused. Attributes above 0x7f would
/// be taken for a part of the time; then the last byte of the length, which is not 0, stands for them.
///
/// Formats 0 and 1 have four bytes of length before the value, big-endian, and nothing behind it: no length
/// but 0 looks the same in both, so they end at the first step.
[[nodiscard]] inline bool is_received_without_headers(const rd_kafka_message_t& message) noexcept {
    if (!message.payload || message.len == 0) return false;
    const auto* end = static_cast<const unsigned char*>(message.payload) + message.len;
    wire_cursor at(message.payload);
    if (!at.over(std::uint64_t{message.len} << 1U) || !at.over_key(message) || !at.over_number() ||
        !at.over_number() || !at.over_byte(0))
        return false;
    const std::uint64_t with_header_count = at.distance_to(end) + 1;
    return at.over(with_header_count << 1U) && *end == 0;
}

/// librdkafka 2 hands records out in place; a later major version is asked.
inline const bool records_stand_in_place = rd_kafka_version() >> 24 == 2;

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

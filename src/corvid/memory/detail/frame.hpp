// SPDX-License-Identifier: Apache-2.0
//
// frame: one record as it lies in a segment: this header, then key, value and headers, padded to 8 bytes.
// Written once, read by any thread afterwards.
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/model/record.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace corvid::memory {

struct frame {
    std::int64_t offset;
    std::int64_t timestamp;
    std::int32_t key_size;   ///< -1: null
    std::int32_t value_size; ///< -1: null
    std::uint32_t header_count;
    std::uint32_t headers_size;

    /// With the padding: where the next frame starts.
    [[nodiscard]] std::size_t stride() const noexcept;
    [[nodiscard]] std::size_t body_size() const noexcept;
    [[nodiscard]] const std::byte* body() const noexcept {
        return reinterpret_cast<const std::byte*>(this + 1);
    }
    [[nodiscard]] optional_bytes key() const noexcept;
    [[nodiscard]] optional_bytes value() const noexcept;
    void read_headers(header_list& into) const;
    [[nodiscard]] record view() const noexcept {
        return {.key = key(), .value = value(), .offset = offset, .timestamp = timestamp, .native = this};
    }
};

/// Key, value and headers together: what the size limits count.
[[nodiscard]] std::size_t payload_size(const broker::outgoing& from) noexcept;
/// The room that the record takes in a segment, its frame included.
[[nodiscard]] std::size_t frame_stride(const broker::outgoing& from) noexcept;
/// Writes the record at `at`, which is aligned to 8 and has frame_stride() bytes; offset and timestamp are
/// the caller's.
frame& write_frame(std::byte* at, const broker::outgoing& from) noexcept;

/// A frame of its own, for a record that waits outside a log.
class owned_frame {
public:
    explicit owned_frame(const broker::outgoing& from);
    [[nodiscard]] frame& get() noexcept { return *frame_; }
    [[nodiscard]] const frame& get() const noexcept { return *frame_; }

private:
    std::unique_ptr<std::uint64_t[]> bytes_;
    frame* frame_;
};

} // namespace corvid::memory

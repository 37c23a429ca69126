// SPDX-License-Identifier: Apache-2.0
//
// Bytes as Kafka has them: a view that borrows, and one that may be null (a tombstone's value, a record
// without key).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace corvid {

using bytes_view = std::span<const std::byte>;

[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view as_text(bytes_view bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes or null; null is not the same as empty. Two words, trivially copyable.
class optional_bytes {
public:
    constexpr optional_bytes() noexcept = default;
    constexpr optional_bytes(std::nullptr_t) noexcept {}
    constexpr optional_bytes(bytes_view bytes) noexcept
        : data_(bytes.data() ? bytes.data() : &empty_), size_(bytes.size()) {}
    optional_bytes(std::string_view text) noexcept : optional_bytes(as_bytes(text)) {}
    optional_bytes(const std::string& text) noexcept : optional_bytes(as_bytes(text)) {}
    optional_bytes(const char* text) noexcept : optional_bytes(std::string_view(text)) {}

    [[nodiscard]] constexpr bool has_value() const noexcept { return data_ != nullptr; }
    constexpr explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] constexpr const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    /// Empty where null.
    [[nodiscard]] constexpr bytes_view bytes() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes()); }

private:
    static constexpr std::byte empty_{};
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// byte_buffer: where formats write to. Appends only, grows by doubling, never clears what it did not write;
// reuse one (clear() keeps its memory) and writing allocates nothing. Move-only; one thread at a time.
#pragma once

#include <corvid/model/bytes.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace corvid {

class byte_buffer {
public:
    byte_buffer() noexcept = default;
    byte_buffer(byte_buffer&& other) noexcept
        : data_(std::move(other.data_)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    byte_buffer& operator=(byte_buffer&& other) noexcept {
        data_ = std::move(other.data_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
        return *this;
    }

    [[nodiscard]] bytes_view bytes() const noexcept { return as_bytes(text()); }
    [[nodiscard]] std::string_view text() const noexcept { return {data_.get(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    void clear() noexcept { size_ = 0; }
    /// Takes back what was appended after `size` bytes.
    void truncate(std::size_t size) noexcept { size_ = size < size_ ? size : size_; }

    /// Precondition: at < size().
    void replace(std::size_t at, char c) noexcept { data_[at] = c; }

    /// Room for `count` bytes more; they are written there, then taken over by advance().
    [[nodiscard]] char* room(std::size_t count) {
        if (capacity_ - size_ < count) [[unlikely]]
            grow(count);
        return data_.get() + size_;
    }
    void advance(std::size_t count) noexcept { size_ += count; }

    void append(char c) {
        *room(1) = c;
        ++size_;
    }
    void append(std::string_view text) {
        std::memcpy(room(text.size()), text.data(), text.size());
        size_ += text.size();
    }

private:
    void grow(std::size_t count);

    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace corvid

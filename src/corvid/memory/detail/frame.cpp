// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/frame.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace corvid::memory {

namespace {

constexpr std::size_t header_prefix = 2 * sizeof(std::uint32_t); // sizes of name and value; -1: a null value

constexpr std::size_t padded(std::size_t size) noexcept { return (size + 7) & ~std::size_t{7}; }

std::size_t headers_size(std::span<const header_view> list) noexcept {
    std::size_t total = 0;
    for (const header_view& one : list)
        total += header_prefix + one.name.size() + one.value.size();
    return total;
}

std::byte* put(std::byte* at, const void* from, std::size_t size) noexcept {
    if (size != 0) std::memcpy(at, from, size);
    return at + size;
}

std::int32_t stored_size(const optional_bytes& bytes) noexcept {
    return bytes ? static_cast<std::int32_t>(bytes.size()) : -1;
}

std::byte* put_size(std::byte* at, std::int32_t size) noexcept { return put(at, &size, sizeof size); }

std::size_t real_size(std::int32_t stored) noexcept { return static_cast<std::size_t>(std::max(stored, 0)); }

optional_bytes stored_bytes(const std::byte* at, std::int32_t size) noexcept {
    return size < 0 ? optional_bytes() : optional_bytes(bytes_view(at, real_size(size)));
}

} // namespace

std::size_t frame::body_size() const noexcept {
    return real_size(key_size) + real_size(value_size) + headers_size;
}
std::size_t frame::stride() const noexcept { return sizeof(frame) + padded(body_size()); }
optional_bytes frame::key() const noexcept { return stored_bytes(body(), key_size); }
optional_bytes frame::value() const noexcept {
    return stored_bytes(body() + real_size(key_size), value_size);
}

void frame::read_headers(header_list& into) const {
    const std::byte* at = body() + real_size(key_size) + real_size(value_size);
    for (std::uint32_t i = 0; i < header_count; ++i) {
        std::int32_t sizes[2];
        std::memcpy(sizes, at, sizeof sizes);
        const std::byte* name = at + sizeof sizes;
        const std::byte* content = name + sizes[0];
        into.push_back({as_text({name, real_size(sizes[0])}), stored_bytes(content, sizes[1])});
        at = content + real_size(sizes[1]);
    }
}

std::size_t payload_size(const broker::outgoing& from) noexcept {
    return from.key.size() + from.value.size() + headers_size(from.headers);
}

std::size_t frame_stride(const broker::outgoing& from) noexcept {
    return sizeof(frame) + padded(payload_size(from));
}

frame& write_frame(std::byte* at, const broker::outgoing& from) noexcept {
    auto* made = new (at) frame{.offset = -1,
                                .timestamp = from.timestamp,
                                .key_size = stored_size(from.key),
                                .value_size = stored_size(from.value),
                                .header_count = static_cast<std::uint32_t>(from.headers.size()),
                                .headers_size = static_cast<std::uint32_t>(headers_size(from.headers))};
    at = put(at + sizeof(frame), from.key.data(), from.key.size());
    at = put(at, from.value.data(), from.value.size());
    for (const header_view& one : from.headers) {
        at = put_size(at, static_cast<std::int32_t>(one.name.size()));
        at = put_size(at, stored_size(one.value));
        at = put(at, one.name.data(), one.name.size());
        at = put(at, one.value.data(), one.value.size());
    }
    return *made;
}

owned_frame::owned_frame(const broker::outgoing& from)
    : bytes_(std::make_unique_for_overwrite<std::uint64_t[]>(frame_stride(from) / sizeof(std::uint64_t))),
      frame_(&write_frame(reinterpret_cast<std::byte*>(bytes_.get()), from)) {}

} // namespace corvid::memory

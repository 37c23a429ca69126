// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/partitioning.hpp>

#include <bit>
#include <cstring>

namespace corvid {

namespace {

constexpr std::uint32_t multiplier = 0x5bd1e995;

std::uint32_t byte_at(bytes_view key, std::size_t i) noexcept {
    return std::to_integer<std::uint32_t>(key[i]);
}

// Little-endian, wherever it stands.
std::uint32_t word_at(const std::byte* place) noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, place, sizeof word);
    return std::endian::native == std::endian::little ? word : std::byteswap(word);
}

// splitmix64's finaliser: a counter becomes a number without pattern.
std::uint64_t scramble(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

} // namespace

std::uint32_t murmur2(bytes_view key) noexcept {
    const std::size_t words = key.size() / 4;
    std::uint32_t h = 0x9747b28cU ^ static_cast<std::uint32_t>(key.size());
    for (std::size_t w = 0; w < words; ++w) {
        std::uint32_t k = word_at(key.data() + 4 * w);
        k *= multiplier;
        k ^= k >> 24;
        h = h * multiplier ^ k * multiplier;
    }
    const std::size_t rest = 4 * words;
    switch (key.size() % 4) {
    case 3:
        h ^= byte_at(key, rest + 2) << 16;
        [[fallthrough]];
    case 2:
        h ^= byte_at(key, rest + 1) << 8;
        [[fallthrough]];
    case 1:
        h = (h ^ byte_at(key, rest)) * multiplier;
        break;
    default:
        break;
    }
    h = (h ^ (h >> 13)) * multiplier;
    return h ^ (h >> 15);
}

broker::partition_choice partitioner::stay(std::size_t bytes) noexcept {
    const std::uint64_t before = count_.fetch_add(bytes + 1, std::memory_order_relaxed);
    return broker::partition_choice::by_hash(
        static_cast<std::uint32_t>(scramble(before / sticky_bytes + seed_)));
}

} // namespace corvid

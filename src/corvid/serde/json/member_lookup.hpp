// SPDX-License-Identifier: Apache-2.0
//
// From a member's name to its place: a hash table of T's names, made at compile time.
#pragma once

#include <corvid/message/reflect.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace corvid::json::detail {

template <class T>
class member_lookup {
    static constexpr std::size_t count = corvid::reflect::member_count<T>;
    static constexpr std::size_t slots = std::bit_ceil(count * 2 + 2);
    static constexpr std::uint8_t empty = 0xff;

    static constexpr std::size_t slot_of(std::string_view name) noexcept {
        const auto at = [&](std::size_t i) {
            return static_cast<std::size_t>(static_cast<unsigned char>(name[i]));
        };
        return (name.size() * 3 + at(0) * 7 + at(name.size() / 2) * 31 + at(name.size() - 1) * 13) % slots;
    }

    static constexpr std::array<std::uint8_t, slots> table = [] {
        std::array<std::uint8_t, slots> made{};
        made.fill(empty);
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t slot = slot_of(corvid::reflect::member_names<T>[i]);
            while (made[slot] != empty)
                slot = (slot + 1) % slots;
            made[slot] = static_cast<std::uint8_t>(i);
        }
        return made;
    }();

public:
    /// The index in T's list, or no_member.
    static constexpr std::size_t find(std::string_view name) noexcept {
        if (name.empty()) return corvid::reflect::no_member;
        for (std::size_t slot = slot_of(name); table[slot] != empty; slot = (slot + 1) % slots)
            if (corvid::reflect::member_names<T>[table[slot]] == name) return table[slot];
        return corvid::reflect::no_member;
    }
};

} // namespace corvid::json::detail

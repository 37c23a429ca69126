// SPDX-License-Identifier: Apache-2.0
//
// Numbers in network order. Internal.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace corvid::store::postgres {

template <std::integral T>
void append_number(std::string& out, T number) {
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) number = std::byteswap(number);
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// `bytes` has at least sizeof(T).
template <std::integral T>
[[nodiscard]] T read_number(std::string_view bytes) noexcept {
    T number{};
    bytes.copy(reinterpret_cast<char*>(&number), sizeof number);
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) number = std::byteswap(number);
    return number;
}

} // namespace corvid::store::postgres

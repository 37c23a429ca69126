// SPDX-License-Identifier: Apache-2.0
//
// engine: what a reader borrows from its thread. simdjson finds the tokens of a text with SIMD and checks its
// UTF-8 and quotes on the way; the reader walks those tokens on demand and checks all else. Included by
// sources only.
#pragma once

#include <corvid/serde/json/reader.hpp>

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace corvid::json {

struct reader::engine {
    static constexpr std::size_t padding = 256; // simdjson's own, and what is_key() may look beyond the end
    static constexpr std::size_t keep_at_most = std::size_t{1} << 20;
    static_assert(padding >= 2 * simdjson::SIMDJSON_PADDING && padding > max_name);

    std::unique_ptr<simdjson::internal::dom_parser_implementation> tokens;
    std::unique_ptr<char[]> buffer;
    std::size_t capacity = 0;
    std::string scratch;

    errc code{};
    std::string message;
    path where;

    [[nodiscard]] simdjson::error_code make_room(std::size_t size) {
        if (size <= capacity && tokens) return simdjson::SUCCESS;
        const std::size_t wanted = std::max<std::size_t>(4096, std::bit_ceil(size));
        buffer =
            std::make_unique<char[]>(wanted + padding); // zeroed: nothing behind a text is ever indeterminate
        capacity = wanted;
        tokens.reset();
        return simdjson::get_active_implementation()->create_dom_parser_implementation(
            wanted, simdjson::DEFAULT_MAX_DEPTH, tokens);
    }

    [[nodiscard]] simdjson::error_code index(std::string_view text) {
        if (const auto failure = make_room(text.size())) return failure;
        if (text.empty()) return simdjson::EMPTY;
        std::memcpy(buffer.get(), text.data(), text.size());
        std::memset(buffer.get() + text.size(), 0, 2 * simdjson::SIMDJSON_PADDING);
        return tokens->stage1(reinterpret_cast<const std::uint8_t*>(buffer.get()), text.size(),
                              simdjson::stage1_mode::regular);
    }
};

/// Blank by RFC 8259.
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// May stand behind a number, true, false or null. (The text of a document never ends there.)
constexpr bool ends_scalar(char c) noexcept { return c == ',' || c == '}' || c == ']' || is_blank(c); }

/// Is it a number by JSON's grammar; and one without point and exponent?
[[nodiscard]] bool is_number(std::string_view text, bool& integer) noexcept;

} // namespace corvid::json

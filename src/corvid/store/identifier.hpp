// SPDX-License-Identifier: Apache-2.0
//
// identifier: the name of a table or column, checked and quoted, for the places in SQL that take no
// parameter. Any text in UTF-8 is a possible name; quoting makes it harmless, as a value in a parameter is.
#pragma once

#include <corvid/base/result.hpp>

#include <string>
#include <string_view>

namespace corvid::store {

/// Well-formed UTF-8: no overlong forms, no surrogates.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

class identifier {
public:
    /// PostgreSQL cuts longer names without a word; here they are refused.
    static constexpr std::size_t max_bytes = 63;

    /// errc::invalid_name for an empty name, one of more than 63 bytes, with NUL, or not UTF-8.
    [[nodiscard]] static result<identifier> parse(std::string_view name);
    /// `table` or `schema.table`, each part checked and quoted for itself.
    [[nodiscard]] static result<identifier> parse_qualified(std::string_view name);
    /// For names in code; throws config_error where parse() refuses.
    explicit identifier(std::string_view name);

    /// `"name"`, quotes in it doubled: what stands in SQL.
    [[nodiscard]] const std::string& quoted() const noexcept { return quoted_; }

    friend bool operator==(const identifier&, const identifier&) = default;

private:
    identifier() = default;
    std::string quoted_;
};

} // namespace corvid::store

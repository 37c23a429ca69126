// SPDX-License-Identifier: Apache-2.0
//
// What the demo can be told.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

namespace flights {

struct options {
    bool help = false;
    std::string broker = "memory:";
    std::filesystem::path data;
    std::string database; ///< empty: SQLite, in a file that goes with the demo
    std::uint32_t instances = 3;
    std::optional<std::int64_t> rows; ///< none: all
    std::filesystem::path summary;    ///< empty: none is written
    std::string member_of;            ///< a run, by its name: this process is the member of it that dies

    [[nodiscard]] bool in_process() const noexcept { return broker == "memory:"; }
};

/// An option that is wrong; what() says which and why.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws usage_error.
[[nodiscard]] options parse(std::span<const char* const> arguments);

extern const char* const help_text;

} // namespace flights

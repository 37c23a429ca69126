// SPDX-License-Identifier: Apache-2.0
//
// path: where in a document something failed. Built from the inside out, and only then.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::json {

class path {
public:
    void inside(std::string_view member);
    void inside(std::size_t index) { steps_.push_back("[" + std::to_string(index) + "]"); }
    void clear() noexcept { steps_.clear(); }
    /// `$.legs[2].origin`
    [[nodiscard]] std::string text() const;

private:
    std::vector<std::string> steps_; // the innermost first
};

/// Text of a payload for an error message: in quotes, cut to 64 characters, control characters replaced.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace corvid::json

// SPDX-License-Identifier: Apache-2.0
//
// writer: appends one JSON document to a byte_buffer, for the templates of write_value.hpp. What it writes
// has no blanks, the shortest digits that read back as the same number, and is valid UTF-8.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/serde/byte_buffer.hpp>
#include <corvid/serde/json/path.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace corvid::json {

class writer {
public:
    explicit writer(byte_buffer& to) noexcept : to_(to) {}

    /// Text that is JSON already.
    void raw(std::string_view json) { to_.append(json); }
    void raw(char json) { to_.append(json); }
    void write(bool value) { raw(value ? std::string_view("true") : std::string_view("false")); }
    void write(std::int64_t value);
    void write(std::uint64_t value);
    /// errc::unserialisable for NaN and the infinities.
    [[nodiscard]] bool write(double value);
    [[nodiscard]] bool write(float value);
    /// errc::unserialisable for what is not UTF-8.
    [[nodiscard]] bool write(std::string_view text);

    /// What was written from here on is told apart by close(): the commas in front of its items are put right
    /// there.
    [[nodiscard]] std::size_t open() const noexcept { return to_.size(); }
    /// Items were written as `,item`; afterwards they stand between the two brackets.
    void close(std::size_t opened, char left, char right) {
        if (to_.size() == opened)
            raw(left);
        else
            to_.replace(opened, left);
        raw(right);
    }

    /// An empty string of this thread, whose memory is used again; valid until the next call.
    [[nodiscard]] static std::string& scratch();

    bool fail(std::string message);
    bool at(std::string_view member);
    bool at(std::size_t index);
    /// Precondition: a function answered false.
    [[nodiscard]] error why() const;

private:
    struct failure {
        std::string message;
        path where;
    };
    byte_buffer& to_;
    std::unique_ptr<failure> failure_;
};

} // namespace corvid::json

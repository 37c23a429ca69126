// SPDX-License-Identifier: Apache-2.0
//
// log_line: one line of a log while it is put together; every value goes through here and is made safe.
#pragma once

#include <corvid/observe/log.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace corvid::detail {

class log_line {
public:
    static constexpr std::size_t max_line = std::size_t{16} * 1024;
    static constexpr std::size_t max_value = std::size_t{3} * 1024;

    explicit log_line(log_format format) noexcept : format_(format) {}

    /// Time, level, source and message; first, unless only fields are wanted.
    void begin(wall_time when, log_level level, std::string_view source, std::string_view message);
    void add(const log_field& field);
    void add(const error& why);
    /// Fields that another line rendered.
    void add_rendered(std::string_view fields) { append_within_limit(fields); }
    [[nodiscard]] std::string fields() && { return std::move(text_); }
    [[nodiscard]] std::string finish() &&;

private:
    void append_within_limit(std::string_view piece);

    std::string text_;
    log_format format_;
    bool truncated_ = false;
};

/// `2013-01-31T23:59:59.123Z`
[[nodiscard]] std::string iso_time(wall_time when);

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// logger: what a service tells its operators, as JSON lines or for human eyes.
//
//   log.info("group joined", {{"group", group}, {"partitions", count}});
//   log.error("commit failed", why, {{"group", group}});
//   logger mine = log.with({{"correlation_id", id}, {"trace_id", trace.trace_id_text()}});
//
// The message is a constant text, what varies is a field: so lines can be counted and searched. Values are
// made safe: control characters and ANSI sequences vanish, secrets by name or form are redacted, long ones
// are cut, a line has at most 16 KiB. A call site that repeats itself is held back: after `burst` lines
// within `window` the rest is counted, and the first line after the window says how many (`suppressed`).
//
// Thread-safe; copies share their output. Takes a lock and writes: for events, not for each record.
#pragma once

#include <corvid/base/error.hpp>
#include <corvid/base/scheduler.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace corvid {

enum class log_level : std::uint8_t { trace, debug, info, warn, error, critical, off };
enum class log_format : std::uint8_t { json, human };

[[nodiscard]] std::string_view to_string(log_level level) noexcept;

/// A name and what it stands for, both borrowed for the length of the call. Names that corvid uses itself:
/// service, correlation_id, trace_id, span_id, group, topic, partition, offset, error, suppressed.
struct log_field {
    using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    template <std::convertible_to<std::string_view> T>
    log_field(std::string_view n, const T& text) noexcept : name(n), value(std::string_view(text)) {}
    template <std::signed_integral T>
    log_field(std::string_view n, T number) noexcept : name(n), value(static_cast<std::int64_t>(number)) {}
    template <std::unsigned_integral T>
    log_field(std::string_view n, T number) noexcept : name(n), value(static_cast<std::uint64_t>(number)) {}
    log_field(std::string_view n, bool flag) noexcept : name(n), value(flag) {}
    log_field(std::string_view n, double number) noexcept : name(n), value(number) {}
    /// In milliseconds; call it …_ms.
    template <class Rep, class Period>
    log_field(std::string_view n, std::chrono::duration<Rep, Period> time) noexcept
        : name(n), value(std::chrono::duration<double, std::milli>(time).count()) {}

    std::string_view name;
    value_type value;
};

struct log_settings {
    log_level level = log_level::info;
    log_format format = log_format::json;
    std::uint32_t burst = 10; ///< lines of one call site within a window; 0: no limit
    std::chrono::milliseconds window{10'000};
    scheduler* time = nullptr; ///< outlives the logger; none: the system's clock
    /// Takes each finished line, without its line break, one at a time; none: standard error.
    std::function<void(std::string_view line)> output = {};
    /// Told the level of each line, those held back included; any thread.
    std::function<void(log_level)> counted = {};
};

class logger {
public:
    using fields = std::initializer_list<log_field>;
    using site = std::source_location;

    explicit logger(log_settings settings = {});

    [[nodiscard]] bool enabled(log_level level) const noexcept;
    /// For every copy. Any thread.
    void set_level(log_level level) const noexcept;
    /// A logger whose every line also has these fields. Copies them.
    [[nodiscard]] logger with(fields more) const;

    void trace(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::trace, message, f, nullptr, at);
    }
    void debug(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::debug, message, f, nullptr, at);
    }
    void info(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::info, message, f, nullptr, at);
    }
    void warn(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::warn, message, f, nullptr, at);
    }
    void error(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::error, message, f, nullptr, at);
    }
    void critical(std::string_view message, fields f = {}, site at = site::current()) const {
        write(log_level::critical, message, f, nullptr, at);
    }

    /// With the error's code, kind, subject, hint and causes, as the field `error`.
    void warn(std::string_view message, const corvid::error& why, fields f = {},
              site at = site::current()) const {
        write(log_level::warn, message, f, &why, at);
    }
    void error(std::string_view message, const corvid::error& why, fields f = {},
               site at = site::current()) const {
        write(log_level::error, message, f, &why, at);
    }
    void critical(std::string_view message, const corvid::error& why, fields f = {},
                  site at = site::current()) const {
        write(log_level::critical, message, f, &why, at);
    }

    void write(log_level level, std::string_view message, std::span<const log_field> list,
               const corvid::error* why, const site& at) const;

private:
    struct core;
    std::shared_ptr<core> core_;
    std::shared_ptr<const std::string> bound_; // rendered fields of with()
};

/// What corvid logs with where no other logger was given: JSON lines of level info on standard error, until
/// replaced. A copy is answered, so a replacement is seen by those who ask after it.
[[nodiscard]] logger default_logger();
void set_default_logger(logger replacement);

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/detail/log_line.hpp>

#include <corvid/observe/detail/json_text.hpp>
#include <corvid/observe/secret.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

namespace corvid::detail {

namespace {

constexpr std::size_t max_name = 64;
constexpr std::size_t max_looked_at = std::size_t{64} * 1024; // what lies behind is never shown

/// Clean before it is searched for secrets, so that no invisible character hides one; cut only afterwards, so
/// that a cut does not part a secret from what tells that it is one.
std::string safe_text(std::string_view text) {
    std::string clean;
    append_clean(clean, text, max_looked_at);
    std::string cut;
    append_clean(cut, redact(clean), log_line::max_value);
    return cut;
}

void append_text(std::string& out, std::string_view text, log_format format) {
    const bool bare = !text.empty() && text.find_first_of(" =\"\\") == std::string_view::npos;
    if (format == log_format::human && bare)
        out += text;
    else
        append_json(out, text);
}

struct value_writer {
    std::string& out;
    log_format format;

    void operator()(std::string_view text) const { append_text(out, safe_text(text), format); }
    void operator()(bool flag) const { out += flag ? "true" : "false"; }
    void operator()(double number) const {
        if (std::isfinite(number))
            append_number(number);
        else
            out += "null";
    }
    void operator()(std::int64_t number) const { append_number(number); }
    void operator()(std::uint64_t number) const { append_number(number); }

    template <class T>
    void append_number(T number) const {
        std::array<char, 32> buffer{};
        const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
        out.append(buffer.data(), end);
    }
};

void append_field(std::string& out, const log_field& field, log_format format) {
    if (format == log_format::json) {
        out += ',';
        append_json(out, field.name, max_name);
        out += ':';
    } else {
        out += ' ';
        append_clean(out, field.name, max_name);
        out += '=';
    }
    if (is_secret_name(field.name))
        append_text(out, redacted, format);
    else
        std::visit(value_writer{out, format}, field.value);
}

std::string error_object(const error& why) {
    std::string out = R"(,"error":{"code":")" + to_string(why.code()) + R"(","kind":")" +
                      std::string(to_string(why.kind())) + '"';
    const auto text = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) append_field(out, {name, value}, log_format::json);
    };
    text("message", why.message());
    text("hint", why.hint());
    text("operation", why.operation());
    text("topic", why.topic());
    if (why.partition()) append_field(out, {"partition", *why.partition()}, log_format::json);
    if (why.offset()) append_field(out, {"offset", *why.offset()}, log_format::json);
    if (why.native_code()) append_field(out, {"native_code", *why.native_code()}, log_format::json);
    text("sqlstate", why.sqlstate());
    if (why.cause()) text("cause", why.cause()->describe());
    return out += '}';
}

} // namespace

std::string iso_time(wall_time when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    std::array<char, 64> buffer{};
    const int size = std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                                   int(date.year()), unsigned(date.month()), unsigned(date.day()),
                                   int(time.hours().count()), int(time.minutes().count()),
                                   int(time.seconds().count()), int(time.subseconds().count()));
    return {buffer.data(), static_cast<std::size_t>(size)};
}

void log_line::begin(wall_time when, log_level level, std::string_view source, std::string_view message) {
    if (format_ == log_format::json) {
        text_.append(R"({"time":")")
            .append(iso_time(when))
            .append(R"(","level":")")
            .append(to_string(level))
            .append(R"(","message":)");
        append_json(text_, safe_text(message));
        text_ += R"(,"source":)";
        append_json(text_, source, max_name);
        return;
    }
    text_.append(iso_time(when)).append(" ").append(to_string(level));
    text_.append(text_.size() < 33 ? 33 - text_.size() : 1, ' ');
    text_ += safe_text(message);
    text_ += ' ';
}

void log_line::append_within_limit(std::string_view piece) {
    constexpr std::size_t room_to_close = 32;
    truncated_ = truncated_ || text_.size() + piece.size() > max_line - room_to_close;
    if (!truncated_) text_ += piece;
}

void log_line::add(const log_field& field) {
    std::string piece;
    append_field(piece, field, format_);
    append_within_limit(piece);
}

void log_line::add(const error& why) {
    if (format_ == log_format::human)
        add({"error", why.describe()});
    else
        append_within_limit(error_object(why));
}

std::string log_line::finish() && {
    if (format_ == log_format::json) return std::move(text_ += truncated_ ? R"(,"truncated":true})" : "}");
    if (truncated_) text_ += " truncated=true";
    while (text_.ends_with(' '))
        text_.pop_back();
    return std::move(text_);
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/value_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace corvid::value_text {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads fixed-width fields off the front of a text; one wrong character and it is not ok any more.
class field_reader {
public:
    explicit field_reader(std::string_view text) noexcept : rest_(text) {}

    int digits(std::size_t count) noexcept {
        int value = 0;
        if (rest_.size() < count) return ok_ = false, 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!is_digit(rest_[i])) return ok_ = false, 0;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    char one_of(std::string_view allowed) noexcept {
        if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) return ok_ = false, '\0';
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    [[nodiscard]] bool next_is(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }

    /// 1 to 9 digits as nanoseconds.
    std::int32_t fraction() noexcept {
        std::int32_t value = 0;
        int count = 0;
        for (; !rest_.empty() && is_digit(rest_.front()) && count < 9; ++count, rest_.remove_prefix(1))
            value = value * 10 + (rest_.front() - '0');
        if (count == 0) ok_ = false;
        for (; count < 9; ++count)
            value *= 10;
        return value;
    }
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] bool ended() const noexcept { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

std::chrono::year_month_day take_date(field_reader& in) noexcept {
    const std::chrono::year year(in.digits(4));
    in.one_of("-");
    const std::chrono::month month(static_cast<unsigned>(in.digits(2)));
    in.one_of("-");
    return {year, month, std::chrono::day(static_cast<unsigned>(in.digits(2)))};
}

/// Seconds east of UTC.
int take_offset(field_reader& in) noexcept {
    const char sign = in.one_of("Zz+-");
    if (sign != '+' && sign != '-') return 0;
    const int hours = in.digits(2);
    in.one_of(":");
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59) in.one_of("");
    return (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
}

void append_digits(std::string& to, unsigned value, int count) {
    std::array<char, 10> text{};
    for (int i = count - 1; i >= 0; --i, value /= 10)
        text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    to.append(text.data(), static_cast<std::size_t>(count));
}

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(64);
    for (std::size_t i = 0; i < base64_digits.size(); ++i)
        values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}();

} // namespace

bool read_instant(std::string_view text, instant& to) noexcept {
    field_reader in(text);
    const auto date = take_date(in);
    in.one_of("Tt ");
    const int hour = in.digits(2);
    in.one_of(":");
    const int minute = in.digits(2);
    in.one_of(":");
    const int second = in.digits(2);
    std::int32_t nanoseconds = 0;
    if (in.next_is('.')) {
        in.one_of(".");
        nanoseconds = in.fraction();
    }
    const int offset = take_offset(in);
    if (!in.ended() || !date.ok() || hour > 23 || minute > 59 || second > 59) return false;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    const int of_day = hour * 3600 + minute * 60 + second;
    to = {days * 86'400 + of_day - offset, nanoseconds};
    return true;
}

bool append_instant(std::string& to, instant value, int digits) {
    const std::int64_t days = (value.seconds - (value.seconds < 0 ? 86'399 : 0)) / 86'400;
    if (days < -719'528 || days > 2'932'896) return false; // 0000-01-01 and 9999-12-31
    const auto of_day = static_cast<unsigned>(value.seconds - days * 86'400);
    if (!append_date(to, std::chrono::sys_days(std::chrono::days(days)))) return false;
    to += 'T';
    append_digits(to, of_day / 3600, 2);
    to += ':';
    append_digits(to, of_day / 60 % 60, 2);
    to += ':';
    append_digits(to, of_day % 60, 2);
    if (digits > 0) {
        auto fraction = static_cast<unsigned>(value.nanoseconds);
        for (int i = digits; i < 9; ++i)
            fraction /= 10;
        to += '.';
        append_digits(to, fraction, digits);
    }
    to += 'Z';
    return true;
}

bool read_date(std::string_view text, std::chrono::year_month_day& to) noexcept {
    field_reader in(text);
    const auto date = take_date(in);
    if (!in.ended() || !date.ok()) return false;
    to = date;
    return true;
}

bool append_date(std::string& to, std::chrono::year_month_day value) {
    const int year = static_cast<int>(value.year());
    if (!value.ok() || year < 0 || year > 9999) return false;
    append_digits(to, static_cast<unsigned>(year), 4);
    to += '-';
    append_digits(to, static_cast<unsigned>(value.month()), 2);
    to += '-';
    append_digits(to, static_cast<unsigned>(value.day()), 2);
    return true;
}

bool read_base64(std::string_view text, std::vector<std::byte>& to) {
    if (text.size() % 4 != 0) return false;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    const std::size_t digits = text.size() - padding;
    std::vector<std::byte> bytes;
    bytes.reserve(digits * 3 / 4);
    std::uint32_t window = 0;
    int bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const std::uint8_t value = base64_values[static_cast<unsigned char>(text[i])];
        if (value == 64) return false;
        window = window << 6 | value;
        if ((bits += 6) < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<std::byte>(window >> bits & 0xff));
    }
    if ((window & ((1U << bits) - 1)) != 0) return false; // digits that stand for no byte
    to = std::move(bytes);
    return true;
}

void append_base64(std::string& to, std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t window = 0;
        for (std::size_t j = 0; j < 3; ++j)
            window = window << 8 | (j < left ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            to += j <= left ? base64_digits[window >> (18 - 6 * j) & 63] : '=';
    }
}

decimal_reading read_decimal(std::string_view text, int scale, std::int64_t& to) noexcept {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const std::size_t point = std::min(text.find('.'), text.size());
    if (point == 0 || point + 1 == text.size()) return decimal_reading::malformed;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i != point && !is_digit(text[i])) return decimal_reading::malformed;
    std::string_view behind = text.substr(std::min(point + 1, text.size()));
    for (; behind.size() > static_cast<std::size_t>(scale); behind.remove_suffix(1))
        if (behind.back() != '0') return decimal_reading::does_not_fit;
    std::int64_t units = 0; // counted below zero: there is room for one more there
    bool fits = true;
    const auto push = [&](char digit) {
        fits = fits && !__builtin_mul_overflow(units, 10, &units) &&
               !__builtin_sub_overflow(units, digit - '0', &units);
    };
    for (char digit : text.substr(0, point))
        push(digit);
    for (char digit : behind)
        push(digit);
    for (std::size_t i = behind.size(); i < static_cast<std::size_t>(scale); ++i)
        push('0');
    if (!fits || (!negative && __builtin_sub_overflow(0, units, &units)))
        return decimal_reading::does_not_fit;
    to = units;
    return decimal_reading::ok;
}

void append_decimal(std::string& to, std::int64_t units, int scale) {
    std::array<char, 24> text{};
    std::uint64_t size =
        units < 0 ? 0 - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
    const auto end = std::to_chars(text.data(), text.data() + text.size(), size).ptr;
    std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
    const auto behind = static_cast<std::size_t>(scale);
    if (units < 0) to += '-';
    if (digits.size() > behind)
        to.append(digits.substr(0, digits.size() - behind));
    else
        to += '0';
    if (behind == 0) return;
    to += '.';
    if (digits.size() < behind) to.append(behind - digits.size(), '0');
    to.append(digits.substr(digits.size() - std::min(digits.size(), behind)));
}

} // namespace corvid::value_text

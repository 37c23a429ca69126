// SPDX-License-Identifier: Apache-2.0
//
// The reader's scalars: numbers, strings, true, false and null.
#include <corvid/serde/json/detail/engine.hpp>

#include <array>
#include <charconv>
#include <limits>

namespace corvid::json {

namespace {

constexpr bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

/// The digits from `at` on, up to 19 of which the value holds; beyond them `count` still counts.
struct digits {
    std::uint64_t value = 0;
    int count = 0;

    const char* take(const char* at) noexcept {
        for (; is_digit(*at); ++at, ++count)
            if (count < 19) value = value * 10 + static_cast<std::uint64_t>(*at - '0');
        return at;
    }
};

/// A number's parts, by JSON's grammar: value * 10^exponent.
struct number_parts {
    digits mantissa;
    int exponent = 0;
    int whole = 0; // digits before the point

    /// The end of the number, or null.
    const char* take(const char* at) noexcept {
        const char* const first = at;
        at = mantissa.take(at);
        whole = mantissa.count;
        if (whole == 0 || (whole > 1 && *first == '0')) return nullptr;
        if (*at == '.') {
            at = mantissa.take(at + 1);
            if (mantissa.count == whole) return nullptr;
            exponent = whole - mantissa.count;
        }
        return (*at | 0x20) == 'e' ? take_exponent(at + 1) : at;
    }

private:
    const char* take_exponent(const char* at) noexcept {
        const bool negative = *at == '-';
        if (negative || *at == '+') ++at;
        digits given;
        at = given.take(at);
        if (given.count == 0) return nullptr;
        const int size = static_cast<int>(std::min<std::uint64_t>(given.value, 100'000'000));
        exponent += negative ? -size : size;
        return at;
    }
};

constexpr std::array<double, 23> powers_of_ten{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// One correctly rounded operation on exact operands, where that is all it takes (Clinger's fast path).
bool read_simple(const number_parts& parts, double& to) noexcept {
    if (parts.mantissa.count > 19 || parts.mantissa.value > std::uint64_t{1} << 53) return false;
    if (parts.exponent < -22 || parts.exponent > 22) return false;
    const auto exact = static_cast<double>(parts.mantissa.value);
    to = parts.exponent < 0 ? exact / powers_of_ten[static_cast<std::size_t>(-parts.exponent)]
                            : exact * powers_of_ten[static_cast<std::size_t>(parts.exponent)];
    return true;
}

/// Any other number; false where it is too large for a double. What is too small for one is zero.
bool read_hard(const char* from, const char* end, double& to) noexcept {
    const auto read = std::from_chars(from, end, to);
    if (read.ec == std::errc{}) return read.ptr == end;
    const std::string_view text(from, static_cast<std::size_t>(end - from));
    const std::size_t e = std::min(text.find_first_of("eE"), text.size());
    const std::size_t point = std::min(text.find('.'), e);
    const std::size_t first = std::min(text.find_first_of("123456789"), e);
    std::int64_t exponent = 0;
    const bool huge =
        e + 1 < text.size() &&
        std::from_chars(from + e + (text[e + 1] == '+' ? 2 : 1), end, exponent).ec != std::errc{};
    if (huge) exponent = text[e + 1] == '-' ? -(std::int64_t{1} << 60) : std::int64_t{1} << 60;
    if (exponent + static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) > 0 && first != e)
        return false;
    to = 0;
    return true;
}

} // namespace

bool is_number(std::string_view text, bool& integer) noexcept {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const auto count_digits = [&] {
        const std::size_t from = at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        return at - from;
    };
    const std::size_t first = at;
    const std::size_t whole = count_digits();
    if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
    integer = at == text.size();
    if (at < text.size() && text[at] == '.' && (++at, count_digits() == 0)) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        if (++at; at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        if (count_digits() == 0) return false;
    }
    return at == text.size();
}

/// Passes over a string; `raw` is what stands between its quotes. The quotes were matched when the tokens
/// were found, so the last thing before the next token is the closing one.
inline bool reader::take_string(std::string_view& raw) {
    const char* const at = here();
    if (*at != '"') [[unlikely]]
        return fail_type("a string");
    const char* last = text_ + token_[1] - 1;
    while (is_blank(*last))
        --last;
    if (last == at || *last != '"') [[unlikely]]
        return fail(errc::malformed_payload, "a string is not closed");
    raw = {at + 1, static_cast<std::size_t>(last - at - 1)};
    ++token_;
    return true;
}

bool reader::read(std::int64_t& to) {
    const char* at = here();
    const bool negative = *at == '-';
    if (negative) ++at;
    digits number;
    const char* const end = number.take(at);
    const bool zeros = number.count > 1 && *at == '0';
    const std::uint64_t limit =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
    if (number.count == 0 || number.count > 19 || zeros || number.value > limit || !ends_scalar(*end))
        [[unlikely]]
        return fail_number("an integer", true);
    to = static_cast<std::int64_t>(negative ? 0 - number.value : number.value);
    ++token_;
    return true;
}

bool reader::read(std::uint64_t& to) {
    const char* const at = here();
    digits number;
    const char* const end = number.take(at);
    const bool zeros = number.count > 1 && *at == '0';
    if (number.count == 0 || number.count > 19 || zeros || !ends_scalar(*end)) [[unlikely]] {
        const auto wide = std::from_chars(at, at + 20, to); // 20 digits may fit
        if (number.count != 20 || zeros || wide.ec != std::errc{} || !ends_scalar(*wide.ptr))
            return fail_number("an integer", true);
        ++token_;
        return true;
    }
    to = number.value;
    ++token_;
    return true;
}

bool reader::read(double& to) {
    const char* const from = here();
    const bool negative = *from == '-';
    number_parts parts;
    const char* const end = parts.take(from + (negative ? 1 : 0));
    if (!end || !ends_scalar(*end)) [[unlikely]]
        return fail_number("a number", false);
    double size = 0;
    if (!read_simple(parts, size) && !read_hard(from + (negative ? 1 : 0), end, size)) [[unlikely]]
        return fail_number("a number", false);
    to = negative ? -size : size;
    ++token_;
    return true;
}

/// Passes over `word` if it stands here.
bool reader::take_word(std::string_view word) noexcept {
    if (std::memcmp(here(), word.data(), word.size()) != 0 || !ends_scalar(here()[word.size()])) return false;
    ++token_;
    return true;
}

bool reader::read(bool& to) {
    if (take_word("true")) return to = true, true;
    if (take_word("false")) return to = false, true;
    return fail_type("a boolean");
}

bool reader::take_null() {
    if (*here() != 'n') return false;
    return take_word("null") || fail(errc::malformed_payload, "found garbage");
}

bool reader::read(std::string& to) {
    std::string_view raw;
    if (!take_string(raw)) return false;
    if (has_escapes_ && raw.find('\\') != std::string_view::npos) return unescape(raw, to);
    to.assign(raw);
    return true;
}

bool reader::read_text(std::string_view& to) {
    if (!take_string(to)) return false;
    if (has_escapes_ && to.find('\\') != std::string_view::npos) {
        if (!unescape(to, engine_->scratch)) return false;
        to = engine_->scratch;
    }
    return true;
}

bool reader::read_text_or_number(std::string_view& to) {
    if (*here() == '"') return read_text(to);
    const std::string_view digits_of_it = token();
    double any = 0;
    bool integer = false;
    if (!is_number(digits_of_it, integer)) return fail_type("a string");
    if (!read(any)) return false;
    to = digits_of_it;
    return true;
}

} // namespace corvid::json

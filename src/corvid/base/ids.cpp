// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/ids.hpp>

#include <algorithm>

namespace corvid {

namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::uint64_t last_ms = (std::uint64_t{1} << 48U) - 1;

constexpr bool dash_at(std::size_t place) { return place == 8 || place == 13 || place == 18 || place == 23; }

constexpr int value_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool read_into(std::array<std::uint8_t, 16>& bytes, std::string_view text) {
    if (text.size() != uuid::text_size) return false;
    std::size_t place = 0;
    for (std::uint8_t& byte : bytes) {
        if (dash_at(place) && text[place++] != '-') return false;
        const int high = value_of(text[place++]);
        const int low = value_of(text[place++]);
        if (high < 0 || low < 0) return false;
        byte = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

void store(std::uint8_t* out, std::uint64_t word) {
    for (unsigned shift = 64; shift > 0; shift -= 8)
        *out++ = static_cast<std::uint8_t>(word >> (shift - 8));
}

uuid from_words(std::uint64_t high, std::uint64_t low, std::uint64_t version) {
    uuid id;
    store(id.bytes.data(), (high & ~std::uint64_t{0xf000}) | (version << 12U));
    store(id.bytes.data() + 8, (low >> 2U) | (std::uint64_t{1} << 63U));
    return id;
}

} // namespace

result<uuid> uuid::parse(std::string_view text) {
    uuid id;
    if (read_into(id.bytes, text)) return id;
    return fail(errc::invalid_argument,
                {.message = "\"" + std::string(text.substr(0, 64)) + "\" is not a UUID",
                 .hint = "write 8-4-4-4-12 hexadecimal digits with dashes between them"});
}

char* uuid::write_to(char* out) const noexcept {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = digits[bytes[i] >> 4U];
        *out++ = digits[bytes[i] & 15U];
    }
    return out;
}

std::optional<wall_time> uuid::time() const noexcept {
    if (version() != 7) return std::nullopt;
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i)
        ms = ms * 256 + bytes[i];
    return wall_time(std::chrono::milliseconds(ms));
}

std::string to_string(const uuid& id) {
    std::string text(uuid::text_size, '\0');
    id.write_to(text.data());
    return text;
}

uuid id_generator::uuid7(wall_time now) noexcept {
    const auto since_epoch =
        static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
    const std::uint64_t ms = std::min(since_epoch, last_ms);
    if (ms > last_ms_) {
        last_ms_ = ms;
        next_counter_ = fresh_counter();
    } else if (next_counter_ == counter_end) {
        last_ms_ = std::min(last_ms_ + 1, last_ms);
        next_counter_ = fresh_counter();
    }
    return from_words((last_ms_ << 16U) | next_counter_++, random_(), 7);
}

uuid id_generator::uuid4() noexcept {
    const std::uint64_t high = random_();
    return from_words(high, random_(), 4);
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// uuid and id_generator: names for events, instances and runs (RFC 9562). The generator takes its seed and
// the time as parameters, so that tests repeat.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

/// 16 bytes in network order; ordered as their text is. A default one is the nil UUID.
struct uuid {
    static constexpr std::size_t text_size = 36;

    std::array<std::uint8_t, 16> bytes{};

    /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, hexadecimal in either case, and no other form;
    /// else errc::invalid_argument. Any version and variant is taken.
    [[nodiscard]] static result<uuid> parse(std::string_view text);
    /// Writes exactly text_size characters in lower case, without a terminator; returns the end.
    char* write_to(char* out) const noexcept;

    [[nodiscard]] bool is_nil() const noexcept { return *this == uuid{}; }
    [[nodiscard]] unsigned version() const noexcept { return bytes[6] >> 4U; }
    /// The millisecond a version 7 UUID was made in; none for other versions.
    [[nodiscard]] std::optional<wall_time> time() const noexcept;

    friend auto operator<=>(const uuid&, const uuid&) = default;
};

[[nodiscard]] std::string to_string(const uuid& id);

/// Makes UUIDs. One object a loop; not safe for concurrent use. Unique across processes by the seed: give
/// each its own.
class id_generator {
public:
    explicit id_generator(std::uint64_t seed) noexcept : random_(seed) {}

    /// Version 7: the time, a counter of 12 bits (RFC 9562, 6.2, method 1), 62 random bits. Each is greater
    /// than all this generator made before, also when the clock stands or steps back: then, and after 2048 to
    /// 4096 in one millisecond, its time runs ahead of `now`. `now` is cut to 1970 … 10889, what 48 bits
    /// hold.
    [[nodiscard]] uuid uuid7(wall_time now) noexcept;
    /// Version 4: 122 random bits.
    [[nodiscard]] uuid uuid4() noexcept;

private:
    static constexpr std::uint32_t counter_end = 1U << 12U;

    [[nodiscard]] std::uint32_t fresh_counter() noexcept {
        return static_cast<std::uint32_t>(random_.below(counter_end / 2));
    }

    prng random_;
    std::uint64_t last_ms_ = 0;
    std::uint32_t next_counter_ = 0;
};

} // namespace corvid

template <>
struct std::hash<corvid::uuid> {
    std::size_t operator()(const corvid::uuid& id) const noexcept {
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
    }
};

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bench/arm.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The records of a topic of the key-order bench: which key each has. The same for the same options, so that
/// what fills the topic, what reads it and what runs without one need not tell each other.
namespace corvid::bench {

/// A record as its value tells it: the sequence counts from 0 within the key.
struct keyed {
    std::uint32_t key;
    std::uint32_t sequence;
};

/// One key a record, drawn by --spread: uniform, or Zipf with exponent 1.0, where key 0 is the most frequent.
[[nodiscard]] std::vector<std::uint32_t> plan_keys(const options& chosen);

/// How many records each key has.
[[nodiscard]] std::vector<std::uint32_t> count_keys(const std::vector<std::uint32_t>& plan,
                                                    std::uint32_t keys);

/// `{"key":1000000000+k,"sequence":1000000000+s,"filler":"…"}`: JSON of `size` bytes in which both numbers
/// have ten digits at known places, so that peers without a JSON reader need none.
class value_text {
public:
    explicit value_text(std::uint32_t size);
    [[nodiscard]] const std::string& of(keyed what);

    static constexpr std::uint32_t base = 1'000'000'000;

private:
    std::string text_;
};

/// Reads what value_text wrote; false if it is not that.
[[nodiscard]] bool read_value(const void* value, std::size_t size, keyed& into);

} // namespace corvid::bench

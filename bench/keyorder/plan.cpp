// SPDX-License-Identifier: Apache-2.0
#include <bench/keyorder/plan.hpp>

#include <algorithm>
#include <charconv>
#include <random>

namespace corvid::bench {
namespace {

constexpr std::string_view before_key = R"({"key":)";
constexpr std::string_view before_sequence = R"(,"sequence":)";
constexpr std::string_view before_filler = R"(,"filler":")";
constexpr std::size_t digits = 10;
constexpr std::size_t key_at = before_key.size();
constexpr std::size_t sequence_at = key_at + digits + before_sequence.size();
constexpr std::size_t filler_at = sequence_at + digits + before_filler.size();

/// Of each key, the probability of it or one before it.
std::vector<double> zipf_shares(std::uint32_t keys) {
    std::vector<double> shares(keys);
    double sum = 0;
    for (std::uint32_t i = 0; i < keys; ++i)
        shares[i] = sum += 1.0 / (i + 1.0);
    for (double& each : shares)
        each /= sum;
    return shares;
}

/// [0, 1), the same on every standard library, which a distribution is not.
double draw(std::mt19937_64& source) { return static_cast<double>(source() >> 11) * 0x1.0p-53; }

void put(std::string& text, std::size_t at, std::uint32_t number) {
    std::to_chars(text.data() + at, text.data() + at + digits, value_text::base + number);
}

bool get(const char* text, std::uint32_t& number) {
    std::uint32_t with_base = 0;
    const auto [end, failed] = std::from_chars(text, text + digits, with_base);
    number = with_base - value_text::base;
    return failed == std::errc() && end == text + digits && with_base >= value_text::base;
}

} // namespace

std::vector<std::uint32_t> plan_keys(const options& chosen) {
    std::mt19937_64 source(20130101);
    const bool zipf = chosen.spread == "zipf";
    const std::vector<double> shares = zipf ? zipf_shares(chosen.keys) : std::vector<double>{};
    std::vector<std::uint32_t> plan(chosen.messages);
    for (std::uint32_t& each : plan) {
        const double at = draw(source);
        each = zipf ? static_cast<std::uint32_t>(std::ranges::upper_bound(shares, at) - shares.begin())
                    : static_cast<std::uint32_t>(at * chosen.keys);
    }
    return plan;
}

std::vector<std::uint32_t> count_keys(const std::vector<std::uint32_t>& plan, std::uint32_t keys) {
    std::vector<std::uint32_t> counts(keys);
    for (const std::uint32_t key : plan)
        ++counts[key];
    return counts;
}

value_text::value_text(std::uint32_t size) : text_(std::max<std::size_t>(size, filler_at + 2), 'x') {
    text_.replace(0, before_key.size(), before_key);
    text_.replace(key_at + digits, before_sequence.size(), before_sequence);
    text_.replace(sequence_at + digits, before_filler.size(), before_filler);
    text_.replace(text_.size() - 2, 2, "\"}");
}

const std::string& value_text::of(keyed what) {
    put(text_, key_at, what.key);
    put(text_, sequence_at, what.sequence);
    return text_;
}

bool read_value(const void* value, std::size_t size, keyed& into) {
    const auto* text = static_cast<const char*>(value);
    return size > filler_at && get(text + key_at, into.key) && get(text + sequence_at, into.sequence);
}

} // namespace corvid::bench

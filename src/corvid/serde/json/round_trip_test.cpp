// SPDX-License-Identifier: Apache-2.0
//
// Whatever a message holds comes back as it was; and changed bytes never do harm.
#include <corvid/serde/format.hpp>
#include <corvid/serde/json/json.hpp>
#include <corvid/serde/json/test_messages.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace {

namespace json = corvid::json;

class random_values {
public:
    explicit random_values(unsigned seed) : random_(seed) {}

    std::uint64_t bits() { return random_() >> (random_() % 64); }
    std::size_t below(std::size_t end) { return random_() % end; }
    bool coin() { return (random_() & 1) != 0; }
    template <class T>
    T number() {
        return static_cast<T>(coin() ? bits() : 0 - bits());
    }
    template <class T, class Bits>
    T real() {
        for (;;) {
            const T value = coin() ? static_cast<T>(number<std::int16_t>()) / T{8}
                                   : std::bit_cast<T>(static_cast<Bits>(random_()));
            if (std::isfinite(value)) return value;
        }
    }
    std::string text() {
        static constexpr std::array<std::string_view, 12> pieces{
            "a", "\"", "\\", "\n",           "\x01", "é",
            "€", "😀", "/",  "plain text, ", "\x7f", std::string_view("\0", 1)};
        std::string all;
        for (std::size_t i = below(20); i > 0; --i)
            all += pieces[below(pieces.size())];
        return all;
    }
    template <class F>
    auto list(F make) {
        std::vector<decltype(make())> all(below(5));
        for (auto&& each : all)
            each = make();
        return all;
    }
    air::leg leg() { return {text(), text(), number<int>()}; }
    air::node node(int depth) {
        air::node made{number<int>(), {}};
        if (depth > 0)
            for (std::size_t i = below(3); i > 0; --i)
                made.children.push_back(node(depth - 1));
        return made;
    }
    void fill_payment(air::everything& e);
    air::everything everything();

private:
    std::mt19937_64 random_;
};

void random_values::fill_payment(air::everything& e) {
    switch (below(5)) {
    case 0:
        e.payment = air::card{text()};
        break;
    case 1:
        e.payment = text();
        break;
    case 2:
        e.payment = number<std::int64_t>();
        break;
    case 3:
        e.payment = coin();
        break;
    default:
        break;
    }
}

air::everything random_values::everything() {
    air::everything e;
    e.flag = coin();
    e.tiny = number<std::int8_t>();
    e.byte = number<std::uint8_t>();
    e.wide = number<std::int64_t>();
    e.unsigned_wide = bits();
    e.single = real<float, std::uint32_t>();
    e.real = real<double, std::uint64_t>();
    e.text = text();
    e.state = static_cast<air::status>(below(3));
    if (coin()) e.maybe = leg();
    e.legs = list([this] { return leg(); });
    e.bits = list([this] { return coin(); });
    e.holes = list([this] { return coin() ? std::optional(number<int>()) : std::nullopt; });
    e.triple = {number<int>(), number<int>(), number<int>()};
    for (std::size_t i = below(4); i > 0; --i)
        e.sorted[text()] = real<double, std::uint64_t>();
    for (std::size_t i = below(4); i > 0; --i)
        e.lists[text()] = list([this] { return number<int>(); });
    fill_payment(e);
    e.at = decltype(e.at)(std::chrono::milliseconds(number<std::int64_t>() % 62'000'000'000'000));
    e.exactly = decltype(e.exactly)(std::chrono::nanoseconds(number<std::int64_t>()));
    e.day = std::chrono::sys_days(std::chrono::days(number<std::int64_t>() % 700'000));
    e.took = std::chrono::milliseconds(number<std::int64_t>());
    e.about = std::chrono::duration<double>(real<double, std::uint64_t>());
    for (auto& each : e.id.bytes)
        each = number<std::uint8_t>();
    e.raw = list([this] { return static_cast<std::byte>(bits()); });
    e.price = corvid::decimal<2>(number<std::int64_t>());
    e.tree = node(4);
    return e;
}

TEST(json_round_trip, every_value_comes_back_as_it_was) {
    const unsigned seed = std::random_device{}();
    random_values random(seed);
    corvid::byte_buffer buffer;
    air::everything reused;
    for (int i = 0; i < 3'000; ++i) {
        const air::everything e = random.everything();
        buffer.clear();
        const auto wrote = json::encode(e, buffer);
        ASSERT_TRUE(wrote) << wrote.error().describe() << " seed " << seed;
        const auto read = json::decode(buffer.bytes(), reused);
        ASSERT_TRUE(read) << read.error().describe() << buffer.text() << " seed " << seed;
        ASSERT_EQ(reused, e) << buffer.text() << " seed " << seed;
    }
}

TEST(json_round_trip, what_changed_bytes_still_mean_is_written_and_read_alike) {
    const unsigned seed = std::random_device{}();
    random_values random(seed);
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 5'000; ++i) {
        corvid::byte_buffer buffer;
        ASSERT_TRUE(json::encode(random.everything(), buffer));
        std::string text(buffer.text());
        for (std::size_t changes = 1 + random.below(2); changes > 0; --changes) {
            const std::size_t at = random.below(text.size());
            switch (random.below(3)) {
            case 0:
                text[at] = static_cast<char>(random.bits());
                break;
            case 1:
                text.erase(at, 1 + random.below(8));
                break;
            default:
                text.insert(at, 1, "{}[],:\"\\0e.n "[random.below(13)]);
            }
        }
        const auto read = json::decode<air::everything>(text);
        (read ? accepted : refused) += 1;
        if (!read) continue;
        corvid::byte_buffer again;
        ASSERT_TRUE(json::encode(*read, again)) << text << " seed " << seed;
        const auto back = json::decode<air::everything>(again.text());
        ASSERT_TRUE(back) << again.text() << " seed " << seed;
        ASSERT_EQ(*back, *read) << text << " seed " << seed;
    }
    EXPECT_GT(accepted, 0) << "seed " << seed;
    EXPECT_GT(refused, 0) << "seed " << seed;
}

TEST(format, json_is_one_and_reads_old_versions_and_refuses_tombstones) {
    static_assert(corvid::Format<json::format, air::everything>);
    air::leg_v2 to;
    ASSERT_TRUE(corvid::decode_message<json::format>(std::string_view(R"({"from":"A"})"), 1, to));
    EXPECT_EQ(to.origin, "A");
    ASSERT_TRUE(corvid::decode_message<json::format>(std::string_view(R"({"origin":"B"})"), 2, to));
    EXPECT_EQ(to.origin, "B");
    const auto tombstone = corvid::decode_message<json::format>(nullptr, 1, to);
    EXPECT_EQ(tombstone.error(), corvid::errc::empty_payload);
    const auto broken = corvid::decode_message<json::format>(std::string_view("{"), 1, to);
    EXPECT_EQ(broken.error(), corvid::errc::malformed_payload);
    for (const auto& each : {tombstone.error(), broken.error()})
        EXPECT_EQ(each.topic(), "air.test.leg");
    EXPECT_EQ(corvid::decode_message<json::format>(std::string_view("{}"), 3, to).error(),
              corvid::errc::unknown_version);
}

TEST(format, the_version_header_is_a_number_and_absent_is_one) {
    EXPECT_EQ(corvid::version_of(std::nullopt), 1);
    EXPECT_EQ(corvid::version_of("3"), 3);
    for (std::string_view bad : {"", "x", "1x", " 1", "99999999999999999999"})
        EXPECT_EQ(corvid::version_of(bad).error(), corvid::errc::unknown_version) << bad;
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/message.hpp>

#include <gtest/gtest.h>

#include <string>

namespace corvid::kafka {
namespace {

std::string varint(std::uint64_t number) {
    std::string text;
    for (; number > 0x7f; number >>= 7)
        text += static_cast<char>(0x80 | (number & 0x7f));
    return text + static_cast<char>(number);
}

std::string big_endian(std::uint32_t number) {
    std::string text;
    for (const int shift : {24, 16, 8, 0})
        text += static_cast<char>(number >> shift & 0xff);
    return text;
}

/// Asks of the value that stands between two texts.
bool is_without_headers(const std::string& before, std::size_t size, const std::string& behind) {
    std::string memory = before + std::string(size, 'v') + behind;
    rd_kafka_message_t message{};
    message.payload = memory.data() + before.size();
    message.len = size;
    return is_received_without_headers(message);
}

/// Every length of one, two and three varint bytes around their limits, and some large ones.
std::vector<std::size_t> lengths() {
    std::vector<std::size_t> all;
    for (std::size_t n = 1; n < 20'000; ++n)
        all.push_back(n);
    for (const std::size_t n : {65'535U, 65'536U, 1'000'000U, 1'048'575U, 1'048'576U, 8'388'608U})
        all.push_back(n);
    return all;
}

TEST(ReceivedMessage, FormatTwoTellsWhetherThereAreHeaders) {
    for (const std::size_t size : lengths()) {
        const std::string before = "offset, key" + varint(2 * size);
        EXPECT_TRUE(is_without_headers(before, size, varint(0))) << size;
        EXPECT_FALSE(is_without_headers(before, size, varint(6) + "name")) << size;
    }
}

TEST(ReceivedMessage, OlderFormatsAreNeverTakenForFormatTwo) {
    for (const std::size_t size : lengths())
        for (const char key_end : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
            const std::string before =
                "crc, key" + std::string(1, key_end) + big_endian(static_cast<std::uint32_t>(size));
            EXPECT_FALSE(is_without_headers(before, size, std::string(8, '\0'))) << size;
        }
}

TEST(ReceivedMessage, WithoutValueNothingIsRead) {
    rd_kafka_message_t message{};
    EXPECT_FALSE(is_received_without_headers(message));
    message.payload = &message;
    EXPECT_FALSE(is_received_without_headers(message));
}

} // namespace
} // namespace corvid::kafka

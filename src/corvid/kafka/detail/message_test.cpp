// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/message.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <optional>
#include <stdexcept>
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

/// A record of format 2, and what a malformed one may have in place of what belongs there.
struct wire_record {
    std::string value;
    std::optional<std::string> key = "key";
    std::string header_count = varint(0);
    std::string headers = {};
    std::string attributes = std::string(1, '\0');
    std::string deltas = varint(2'000) + varint(6);
    std::int64_t length_error = 0;
    std::string length_prefix = {};
};

struct wire_text {
    std::string bytes;
    std::optional<std::size_t> key;
    std::size_t value = 0;
};

wire_text written(const wire_record& from) {
    std::string body = from.attributes + from.deltas;
    wire_text text;
    body += from.key ? varint(2 * from.key->size()) : varint(1);
    if (from.key) text.key = body.size();
    body += from.key.value_or("") + varint(2 * from.value.size());
    text.value = body.size();
    body += from.value + from.header_count + from.headers;
    const auto length =
        static_cast<std::uint64_t>(static_cast<std::int64_t>(body.size()) + from.length_error);
    const std::string begin = from.length_prefix + varint(2 * length);
    if (text.key) *text.key += begin.size();
    text.value += begin.size();
    text.bytes = begin + body;
    return text;
}

/// Memory that ends the process where it is read before its begin or behind its end.
class fenced {
public:
    enum class side { begin, end };

    fenced(const std::string& text, side which) : size_((text.size() / page + 3) * page) {
        void* all = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED) throw std::runtime_error("no memory");
        base_ = static_cast<char*>(all);
        text_ = which == side::begin ? base_ + page : base_ + size_ - page - text.size();
        text.copy(text_, text.size());
        if (mprotect(base_, page, PROT_NONE) != 0 || mprotect(base_ + size_ - page, page, PROT_NONE) != 0)
            throw std::runtime_error("memory cannot be fenced");
    }
    ~fenced() { munmap(base_, size_); }
    fenced(const fenced&) = delete;
    fenced& operator=(const fenced&) = delete;
    [[nodiscard]] char* at(std::size_t place) const { return text_ + place; }

private:
    static constexpr std::size_t page = 4096;
    std::size_t size_;
    char* base_ = nullptr;
    char* text_ = nullptr;
};

bool asked(const fenced& memory, const wire_text& text, const wire_record& of) {
    rd_kafka_message_t message{};
    message.payload = memory.at(text.value);
    message.len = of.value.size();
    std::array<char, 1> elsewhere{}; // where librdkafka has the key that is there but empty
    if (of.key) message.key = of.key->empty() ? elsewhere.data() : memory.at(*text.key);
    if (of.key) message.key_len = of.key->size();
    return is_received_without_headers(message);
}

/// Asks with the record alone at the begin and at the end of what may be read.
bool is_without_headers(const wire_record& record) {
    const wire_text text = written(record);
    const bool first = asked(fenced(text.bytes, fenced::side::begin), text, record);
    const bool last = asked(fenced(text.bytes, fenced::side::end), text, record);
    EXPECT_EQ(first, last);
    return last;
}

/// Every length of one and two varint bytes around their limits, and some large ones.
std::vector<std::size_t> lengths() {
    std::vector<std::size_t> all;
    for (std::size_t n = 1; n < 300; ++n)
        all.push_back(n);
    for (std::size_t n = 8'100; n < 8'300; ++n)
        all.push_back(n);
    for (const std::size_t n : {65'535U, 65'536U, 1'000'000U, 1'048'575U, 1'048'576U, 8'388'608U})
        all.push_back(n);
    return all;
}

TEST(received_message, format_two_tells_whether_there_are_headers) {
    for (const std::size_t size : lengths()) {
        const std::string value(size, 'v');
        EXPECT_TRUE(is_without_headers({.value = value})) << size;
        EXPECT_TRUE(is_without_headers({.value = value, .key = std::nullopt})) << size;
        EXPECT_TRUE(is_without_headers({.value = value, .key = ""})) << size;
        EXPECT_TRUE(is_without_headers({.value = value, .key = std::string(size, 'k')})) << size;
        EXPECT_FALSE(is_without_headers(
            {.value = value, .header_count = varint(2), .headers = varint(2) + "n" + varint(1)}))
            << size;
    }
}

TEST(received_message, no_number_of_headers_is_read_that_the_record_does_not_have) {
    for (const std::size_t size : lengths()) {
        EXPECT_FALSE(is_without_headers({.value = std::string(size, 'v'), .header_count = ""})) << size;
        EXPECT_FALSE(is_without_headers({.value = std::string(size, '\0'), .header_count = ""})) << size;
    }
}

TEST(received_message, a_length_that_says_something_else_is_left_to_librdkafka) {
    for (const std::int64_t off : {-3, -1, 1, 2, 64, 128})
        EXPECT_FALSE(is_without_headers({.value = "value", .length_error = off})) << off;
    for (const char more : {'\x80', '\x81', '\xff'}) // the length goes on to the left
        EXPECT_FALSE(is_without_headers({.value = "value",
                                         .header_count = varint(2),
                                         .headers = std::string(2'000, 'h'),
                                         .length_prefix = std::string(1, more)}))
            << static_cast<int>(more);
}

TEST(received_message, unknown_attributes_are_left_to_librdkafka) {
    for (int bits = 1; bits < 256; ++bits)
        EXPECT_FALSE(
            is_without_headers({.value = "value", .attributes = std::string(1, static_cast<char>(bits))}))
            << bits;
}

TEST(received_message, a_number_that_is_not_in_its_shortest_form_is_left_to_librdkafka) {
    wire_record record{.value = "value", .key = std::nullopt};
    wire_text text = written(record);
    text.bytes.replace(text.value - 1, 1, std::string("\x8a\x00", 2)); // 5, in two bytes
    ++text.value;
    EXPECT_FALSE(asked(fenced(text.bytes, fenced::side::end), text, record));
}

TEST(received_message, older_formats_are_never_taken_for_format_two) {
    for (const std::size_t size : lengths())
        for (const char key_end : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
            const std::string head = big_endian(1) + std::string(1, key_end); // a key of one byte
            wire_text text{.bytes = head + big_endian(static_cast<std::uint32_t>(size)), .key = 4};
            text.value = text.bytes.size();
            const wire_record record{.value = std::string(size, '\0'), .key = std::string(1, key_end)};
            text.bytes += record.value;
            EXPECT_FALSE(asked(fenced(text.bytes, fenced::side::begin), text, record)) << size;
            EXPECT_FALSE(asked(fenced(text.bytes, fenced::side::end), text, record)) << size;
        }
}

TEST(received_message, without_value_nothing_is_read) {
    rd_kafka_message_t message{};
    EXPECT_FALSE(is_received_without_headers(message));
    message.payload = &message;
    EXPECT_FALSE(is_received_without_headers(message));
}

} // namespace
} // namespace corvid::kafka

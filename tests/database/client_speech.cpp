// SPDX-License-Identifier: Apache-2.0
#include "client_speech.hpp"

#include <cstdint>
#include <utility>

namespace corvid::test {

namespace {

std::uint32_t number_at(std::string_view in, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i)
        number = number << 8U | static_cast<unsigned char>(in[i]);
    return number;
}

constexpr std::uint32_t protocol_3 = 3U << 16U;
constexpr std::string_view waits_for_more = "PBDEC"; // parse, bind, describe, execute, close

} // namespace

std::optional<client_speech::extent> client_speech::message_at(std::size_t at) const {
    const std::size_t length = at + (is_opened_ ? 1 : 0), body = length + 4;
    if (heard_.size() < body) return std::nullopt;
    const std::size_t end = length + number_at(heard_, length);
    if (heard_.size() < end) return std::nullopt;
    return extent{body, end};
}

std::string_view client_speech::text_at(std::size_t at) const {
    const std::string_view rest = std::string_view(heard_).substr(at);
    return rest.substr(0, rest.find('\0'));
}

void client_speech::note(char type, std::size_t at, std::size_t body) {
    const std::string_view first = text_at(body), second = text_at(body + first.size() + 1);
    if (type == 'P' && second == "commit") commits_.emplace(first);
    if (type == 'P' && second != "commit") commits_.erase(std::string(first));
    if (type == 'B' && commits_.contains(std::string(second)) && !commit_) commit_ = at;
}

std::optional<client_speech::flight> client_speech::next() {
    while (const auto message = message_at(read_)) {
        const char type = is_opened_ ? heard_[read_] : '\0';
        if (type == 'P' || type == 'B') note(type, read_, message->body);
        if (!is_opened_) is_opened_ = number_at(heard_, message->body) == protocol_3;
        read_ = message->end;
        if (type != '\0' && waits_for_more.contains(type)) continue;
        flight whole{heard_.substr(0, read_), std::exchange(commit_, std::nullopt)};
        heard_.erase(0, std::exchange(read_, 0));
        return whole;
    }
    return std::nullopt;
}

} // namespace corvid::test

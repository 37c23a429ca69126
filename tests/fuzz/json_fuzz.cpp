// SPDX-License-Identifier: Apache-2.0
//
// Any bytes: they are read or refused, never more. What was read is written, and reads back as the same.
#include <corvid/serde/json/json.hpp>
#include <corvid/serde/json/test_messages.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

[[noreturn]] void complain(const char* what, const corvid::error& why) {
    std::fprintf(stderr, "%s: %s\n", what, why.describe().c_str());
    std::abort();
}

template <class T>
void round_trip(corvid::bytes_view payload) {
    T value{};
    const auto read = corvid::json::decode(payload, value);
    if (!read) {
        if (read.error().message().starts_with("$")) return;
        complain("an error without a path", read.error());
    }
    corvid::byte_buffer written;
    if (const auto wrote = corvid::json::encode(value, written); !wrote)
        complain("what was read is not written", wrote.error());
    T again{};
    if (const auto back = corvid::json::decode(written.bytes(), again); !back)
        complain("what was written is not read", back.error());
    if (!(again == value)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const corvid::bytes_view payload(reinterpret_cast<const std::byte*>(data), size);
    round_trip<air::everything>(payload);
    round_trip<air::flight_reported>(payload);
    return 0;
}

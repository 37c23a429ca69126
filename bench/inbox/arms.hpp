// SPDX-License-Identifier: Apache-2.0
//
// What the arms of the inbox bench share: the events, the tables, and how an arm is run. Each arm gives every
// event its effect once: one row of `effect`; one event in ten comes a second time.
#pragma once

#include <bench/arm.hpp>
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace corvid::bench {

struct inbox_options {
    std::string arm;
    std::string url;
    std::string bootstrap, topic, group; ///< where the events are, but for the writers
    std::uint64_t messages = 100'000;
};

[[nodiscard]] inbox_options parse(int argc, char** argv);

/// Event `i` of the stream: event number_of(i). Every tenth repeats an earlier one, 5 to 500 events back.
[[nodiscard]] constexpr std::uint64_t number_of(std::uint64_t i) noexcept {
    return i % 10 != 9 || i < 1'000 ? i : i - 5 - (i * 0x9e3779b97f4a7c15U >> 40U) % 495;
}
/// Time-ordered, as UUIDv7 would be.
[[nodiscard]] std::string id_of(std::uint64_t number);
/// How many different events the stream has.
[[nodiscard]] std::uint64_t distinct(std::uint64_t messages);

struct close_connection {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
};
using connection = std::unique_ptr<PGconn, close_connection>;

[[nodiscard]] connection connect(const std::string& url);
/// The first value; ends the program on failure.
std::string ask(PGconn* on, const std::string& sql);

/// Runs the arm within `measured`.
using arm_function = void (*)(const inbox_options&, span& measured);
/// Null for an arm that is not there.
[[nodiscard]] arm_function peer_arm(std::string_view name);
[[nodiscard]] arm_function writer_arm(std::string_view name);
[[nodiscard]] arm_function service_arm(std::string_view name);

} // namespace corvid::bench

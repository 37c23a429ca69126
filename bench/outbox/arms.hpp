// SPDX-License-Identifier: Apache-2.0
//
// What the arms of the outbox bench share. Event i belongs to key i % keys and is the (i / keys)-th of it;
// its payload is 200 bytes of text that begin with "KEY SEQUENCE NUMBER ".
#pragma once

#include <corvid/outbox/outbox.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/arm.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace corvid::bench {

struct outbox_options {
    std::string arm;
    std::string url;
    std::string bootstrap;
    std::string topic;
    std::uint64_t messages = 1'000'000;
    std::uint64_t rate = 5'000;        ///< of the steady arms, a second
    std::uint64_t per_transaction = 1; ///< their events
    std::uint32_t keys = 10'000;
    std::uint32_t per_aggregate = 1;
};

inline constexpr std::size_t payload_bytes = 200;

[[nodiscard]] std::string key_name(std::uint32_t key);
[[nodiscard]] std::string payload_of(std::uint32_t keys, std::uint64_t number);

/// What an arm did; `why` is empty when it is correct.
struct outbox_outcome {
    span measured = {};
    std::string why = {};
    std::string more = {}; ///< further members of its line, each with a comma before it
};

[[nodiscard]] outbox_outcome drain(const outbox_options& chosen);
[[nodiscard]] outbox_outcome fill(const outbox_options& chosen);
/// `apart`: the events are committed through another pool than the relay's, as in another process.
[[nodiscard]] outbox_outcome steady(const outbox_options& chosen, bool apart);

/// Empty where the topic has each event at least once, each key's first occurrences in order; else what is
/// wrong. `repeated`: how many came again.
[[nodiscard]] std::string check_log(const outbox_options& chosen, std::uint64_t& repeated);

/// One value; ends the program on failure.
[[nodiscard]] std::int64_t ask_number(database& db, const std::string& sql);
/// Makes the tables of an outbox in an empty schema.
void make_tables(const outbox_options& chosen);
[[noreturn]] void stop_on(const std::string& why);

} // namespace corvid::bench

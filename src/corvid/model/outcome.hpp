// SPDX-License-Identifier: Apache-2.0
//
// outcome: what became of a record, as a handler says it. The set is closed:
//
//   done         handled; the offset may move
//   skip         of no interest; the offset may move, and it is counted apart
//   retry        try again, after the back-off of the subscription's policy
//   dead_letter  never try again: to the dead letter topic, then the offset may move
//   stop         the service must not go on: the offset is held
//
//   return corvid::done;     return corvid::retry(fee.error());     return corvid::dead_letter("no such
//   plane");
#pragma once

#include <corvid/base/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace corvid {

enum class verdict : std::uint8_t { done, skip, retry, dead_letter, stop };

[[nodiscard]] std::string_view to_string(verdict which) noexcept;

class [[nodiscard]] outcome {
public:
    outcome(verdict which) noexcept : verdict_(which) {}
    outcome(verdict which, error why) noexcept : why_(std::move(why)), verdict_(which) {}

    [[nodiscard]] verdict kind() const noexcept { return verdict_; }
    [[nodiscard]] const std::optional<error>& why() const noexcept { return why_; }
    [[nodiscard]] bool operator==(verdict other) const noexcept { return verdict_ == other; }

private:
    std::optional<error> why_;
    verdict verdict_;
};

/// A verdict that reads as a value (`return corvid::skip;`) and, where it takes a reason, as a call.
template <verdict Which, errc Code>
struct verdict_with_reason {
    operator outcome() const noexcept { return outcome(Which); }
    outcome operator()(error why) const noexcept { return {Which, std::move(why)}; }
    outcome operator()(std::string reason) const {
        return {Which, error(Code, {.message = std::move(reason), .operation = "handle"})};
    }
};

inline constexpr verdict done = verdict::done;
inline constexpr verdict skip = verdict::skip;
inline constexpr verdict_with_reason<verdict::retry, errc::handler_threw> retry{};
inline constexpr verdict_with_reason<verdict::dead_letter, errc::handler_rejected> dead_letter{};
inline constexpr verdict_with_reason<verdict::stop, errc::handler_stopped> stop{};

/// Thrown by a handler for a record that no further attempt can help: a dead letter at once.
class rejected : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Thrown by a handler when the service must stop; the offset is held.
class fatal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The one function that classes what a handler threw: rejected is a dead letter, fatal stops, all else is a
/// retry. Call it inside a catch block.
[[nodiscard]] outcome outcome_of_current_exception() noexcept;

} // namespace corvid

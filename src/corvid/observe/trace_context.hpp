// SPDX-License-Identifier: Apache-2.0
//
// trace_context: which trace a piece of work belongs to, as the header `traceparent` carries it
// (W3C Trace Context, level 1). A value; pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

struct trace_context {
    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    bool sampled = false;

    /// Reads a `traceparent`; none where the text is not valid (then a new trace is begun, as the rule
    /// demands). Versions above 00 are read by their first four fields; flags other than `sampled` are
    /// dropped.
    [[nodiscard]] static std::optional<trace_context> parse(std::string_view traceparent) noexcept;

    /// Both ids have a bit set: what parse() answers always has.
    [[nodiscard]] bool valid() const noexcept;

    /// `00-<trace id>-<span id>-<flags>`, 55 characters.
    [[nodiscard]] std::string traceparent() const;
    [[nodiscard]] std::string trace_id_text() const;
    [[nodiscard]] std::string span_id_text() const;

    /// The same trace, one span further in. `span` comes from the caller's generator and is not 0.
    [[nodiscard]] trace_context child(std::uint64_t span) const noexcept;

    bool operator==(const trace_context&) const = default;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// error: why something failed, for whom, and what to do about it.
//
// One pointer wide, noexcept to move, cheap to copy (the details are shared and immutable) and allocated
// only on failure. Safe to read from any thread; a single object is not safe to assign concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace corvid {

/// What the receiver of an error should do: try again · give this record up · stop.
enum class error_kind : std::uint8_t { retriable, rejected, fatal };

/// The stable codes, `CVD-nnnn` in text. The table is base/error_codes.def.
enum class errc : std::uint16_t {
#define CORVID_ERROR(number, name, kind, summary, remedy) name = number,
#include <corvid/base/error_codes.def>
#undef CORVID_ERROR
};

/// A row of the table of codes.
struct error_code_info {
    errc code;
    std::string_view name;
    error_kind kind;
    std::string_view summary;
    std::string_view remedy;
};

/// All rows, ascending by number: what docs/reference/errors.md is generated from.
[[nodiscard]] std::span<const error_code_info> error_codes() noexcept;
[[nodiscard]] const error_code_info& info_of(errc code) noexcept;
[[nodiscard]] std::string_view to_string(error_kind kind) noexcept;

class error;

/// Everything an error says besides its code. What is left empty is answered from the table of codes.
struct error_details {
    std::string message = {};   ///< what happened, with names and figures; never a secret
    std::string hint = {};      ///< the remedy, naming the setting to change
    std::string operation = {}; ///< what was being done: "send", "commit", "decode"
    std::string topic = {};
    std::optional<std::int32_t> partition = {};
    std::optional<std::int64_t> offset = {};
    std::optional<error_kind> kind = {}; ///< overrides the table
    std::optional<int> native_code = {}; ///< librdkafka's or the system's number
    std::string sqlstate = {};
    std::shared_ptr<const error> cause = {};
};

class error {
public:
    explicit error(errc code, error_details details = {});

    [[nodiscard]] errc code() const noexcept;
    [[nodiscard]] error_kind kind() const noexcept;
    [[nodiscard]] std::string_view message()
        const noexcept; ///< never empty: the table's summary if none was given
    [[nodiscard]] std::string_view hint()
        const noexcept; ///< never empty: the table's remedy if none was given
    [[nodiscard]] std::string_view operation() const noexcept;
    [[nodiscard]] std::string_view topic() const noexcept;
    [[nodiscard]] std::optional<std::int32_t> partition() const noexcept;
    [[nodiscard]] std::optional<std::int64_t> offset() const noexcept;
    [[nodiscard]] std::optional<int> native_code() const noexcept;
    [[nodiscard]] std::string_view sqlstate() const noexcept;
    [[nodiscard]] const error* cause() const noexcept; ///< lives as long as this error

    /// The details, to build a richer error from this one.
    [[nodiscard]] const error_details& details() const noexcept;

    /// `CVD-4004 rejected: send air.flight.departed[3]: 2097152 bytes …; remedy: …; cause: CVD-…`
    [[nodiscard]] std::string describe() const;

    [[nodiscard]] bool operator==(errc other) const noexcept { return code() == other; }

private:
    struct body;
    struct handle { // an intrusive count: one pointer, not two
        handle(const body* b) noexcept;
        handle(const handle&) noexcept;
        handle(handle&&) noexcept;
        handle& operator=(handle) noexcept;
        ~handle();
        const body* get;
    };
    handle body_;
};

/// `CVD-nnnn`
[[nodiscard]] std::string to_string(errc code);

/// A new error that carries `cause` as its cause.
[[nodiscard]] error caused_by(errc code, error_details details, error cause);

/// Thrown by constructors and start-up code for settings that cannot work; never on the path of messages.
class config_error : public std::runtime_error {
public:
    explicit config_error(error what);
    [[nodiscard]] const error& why() const noexcept { return why_; }

private:
    error why_;
};

} // namespace corvid

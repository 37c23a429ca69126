// SPDX-License-Identifier: Apache-2.0
//
// reader: a cursor through one JSON document, for the templates of read_value.hpp. It is the wall between
// users' units and the parser: nothing of that parser is in this header.
//
// The document is an object, nested at most max_depth levels, valid UTF-8, and nothing follows it. Everything
// in it is checked, what skip() passes over too. Functions answer false (or null) after a failure; the first
// failure is kept and nothing may be read after it. A reader borrows its thread's parser and buffers (one set
// a nesting level of use, kept for the next document unless grown beyond 1 MiB), and must stay on that
// thread.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/serde/json/path.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace corvid::json {

inline constexpr int max_depth = 64;
/// Member names of this length and below may be compared with starts_with_key: the buffer is padded by as
/// much.
inline constexpr std::size_t max_name = 192;

class reader {
public:
    /// Copies `text` once, into the thread's padded buffer.
    explicit reader(std::string_view text);
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    /// Enters the value under the cursor, at first the document. next_key() moves to each member in turn and
    /// answers with its raw name: it starts behind the opening quote and may hold escapes. Null: the end, or
    /// a failure.
    [[nodiscard]] bool begin_object();
    [[nodiscard]] const char* next_key();
    /// The name that next_key() found, unescaped. Valid until the next call of this reader.
    [[nodiscard]] std::string_view key();

    [[nodiscard]] bool begin_array();
    /// Moves to each element in turn. False: the end, or a failure.
    [[nodiscard]] bool next_element();

    [[nodiscard]] bool read(bool& to);
    [[nodiscard]] bool read(std::int64_t& to);
    [[nodiscard]] bool read(std::uint64_t& to);
    [[nodiscard]] bool read(double& to);
    [[nodiscard]] bool read(std::string& to);
    /// A string that is valid until the next call of this reader.
    [[nodiscard]] bool read_text(std::string_view& to);
    /// As read_text(), and a number answers with its own digits.
    [[nodiscard]] bool read_text_or_number(std::string_view& to);
    /// True and passed if the value is null; else nothing happens, or it is a failure.
    [[nodiscard]] bool take_null();
    /// Passes over the value, whatever it is, and checks it.
    [[nodiscard]] bool skip();

    /// True when nothing follows the document.
    [[nodiscard]] bool end();

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Always false, so that callers can return it.
    bool fail(errc code, std::string message);
    /// The value is not what `wanted` names: says what stands there instead. Always false.
    bool fail_type(std::string_view wanted);
    /// Where it failed, told from the inside out while callers return. Always false.
    bool at(std::string_view member);
    bool at(std::size_t index);
    /// As at(), for a name as next_key() gave it.
    bool at_key(const char* raw);
    /// Precondition: failed(). Names the path: `$.legs[2].origin: expected a string, found a number`.
    [[nodiscard]] error why() const;

    struct engine; ///< this reader's own, as is all below

private:
    [[nodiscard]] const char* here() const noexcept { return text_ + *token_; }
    [[nodiscard]] std::string_view token() const noexcept;
    [[nodiscard]] bool begin(char bracket, std::string_view wanted);
    [[nodiscard]] bool next_item(char closing);
    bool fail_item(char closing);
    bool fail_key();
    [[nodiscard]] bool take_string(std::string_view& raw);
    [[nodiscard]] bool take_word(std::string_view word) noexcept;
    [[nodiscard]] bool unescape(std::string_view raw, std::string& to);
    [[nodiscard]] bool check_scalar();
    [[nodiscard]] bool inside_array() const noexcept { return (arrays_ >> (depth_ - 1) & 1) != 0; }
    bool fail_number(std::string_view wanted, bool integer);

    const char* text_ = nullptr;
    const std::uint32_t* token_ = nullptr; // where the next token begins; behind the last one stands a NUL
    const std::uint32_t* end_ = nullptr;
    const char* key_ = nullptr;
    std::uint64_t arrays_ = 0; // a bit a level
    int depth_ = 0;            // containers that are open
    bool entered_ = false;     // a container was, and its first item was not asked for yet
    bool has_escapes_ = false;
    bool failed_ = false;
    engine* engine_;
};

/// Past the comma before the next item, or past the closing bracket: false then.
inline bool reader::next_item(char closing) {
    const char c = *here();
    if (c == ',' && !entered_) [[likely]] {
        ++token_;
        return true;
    }
    const bool first = entered_;
    entered_ = false;
    if (c != closing) return first || fail_item(closing);
    ++token_;
    --depth_;
    return false;
}

inline const char* reader::next_key() {
    if (!next_item('}')) return nullptr;
    const char* const at = here();
    if (*at != '"' || text_[token_[1]] != ':') [[unlikely]]
        return fail_key(), nullptr;
    token_ += 2;
    return key_ = at + 1;
}

inline bool reader::next_element() { return next_item(']'); }

/// Is `raw`, as next_key() gave it, `name`? `name` is at most max_name long and needs no escapes.
[[nodiscard]] inline bool is_key(const char* raw, std::string_view name) noexcept {
    return std::memcmp(raw, name.data(), name.size()) == 0 && raw[name.size()] == '"';
}

} // namespace corvid::json

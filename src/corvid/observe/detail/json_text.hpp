// SPDX-License-Identifier: Apache-2.0
//
// Text made safe to show: what a log line, a probe's answer or a terminal may carry of bytes that anyone may
// have sent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace corvid::detail {

/// Appends at most `limit` bytes of `text` to `out`, clean: a tab or line break becomes a space; other
/// control characters, ANSI escape sequences and the marks that turn the direction of writing vanish; bytes
/// that are not UTF-8 become U+FFFD. What was cut off is told as `…(+n bytes)` behind.
void append_clean(std::string& out, std::string_view text, std::size_t limit = std::string_view::npos);

/// Appends `text`, clean, as a JSON string with its quotes.
void append_json(std::string& out, std::string_view text, std::size_t limit = std::string_view::npos);

} // namespace corvid::detail

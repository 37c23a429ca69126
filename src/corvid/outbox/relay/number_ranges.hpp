// SPDX-License-Identifier: Apache-2.0
//
// Ranges of numbers as the table keeps them: `[[1,5],[9,10]]`, JSON, so that SQL reads them too. Pure.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/outbox/relay/relay_position.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace corvid::outbox_detail {

[[nodiscard]] std::string ranges_text(const std::vector<number_range>& ranges);
/// errc::malformed_payload for any other text, and for ranges that are empty or out of order.
[[nodiscard]] result<std::vector<number_range>> parse_ranges(std::string_view text);

} // namespace corvid::outbox_detail

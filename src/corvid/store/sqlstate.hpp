// SPDX-License-Identifier: Apache-2.0
//
// sqlstate: what a database's five letters mean for whoever sent the statement. The one owner of that rule.
// SQLite's codes are translated to the SQLSTATE of the same mistake before they come here.
#pragma once

#include <corvid/base/error.hpp>

#include <string>
#include <string_view>

namespace corvid::store {

/// 08 40 53 55 57 58 XX, 25006, 26000: retriable. 21 22 23 44 54 P0 27 38 39: rejected, the record's own
/// fault. The rest (wrong SQL, no access, no such database): fatal, as no other record would fare better.
[[nodiscard]] error_kind kind_of_sqlstate(std::string_view sqlstate) noexcept;

/// True when the session that answered so is of no more use: 08, 57P01-57P05, 25006, 53300.
[[nodiscard]] bool ends_session(std::string_view sqlstate) noexcept;

/// The error of a statement: code by class, kind by kind_of_sqlstate, the remedy by both.
[[nodiscard]] error database_error(std::string_view sqlstate, std::string message, std::string operation);

} // namespace corvid::store

// SPDX-License-Identifier: Apache-2.0
//
// The steps that make the inbox's tables, for store::migrate(db, "inbox", …). The same texts are installed
// under share/corvid/migrations/inbox.
#pragma once

#include <corvid/store/migrate.hpp>

#include <span>

namespace corvid::inbox_detail {

[[nodiscard]] std::span<const store::migration> migrations() noexcept;

} // namespace corvid::inbox_detail

// SPDX-License-Identifier: Apache-2.0
//
// The steps that make the outbox's tables, for store::migrate(db, "outbox", …). The same texts are installed
// under share/corvid/migrations/outbox.
#pragma once

#include <corvid/store/migrate.hpp>

#include <span>

namespace corvid::outbox_detail {

[[nodiscard]] std::span<const store::migration> migrations() noexcept;

} // namespace corvid::outbox_detail

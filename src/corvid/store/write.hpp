// SPDX-License-Identifier: Apache-2.0
//
// write_units: recorded units on a session, in one transaction. For those who hold a session (database,
// inbox); on its loop.
#pragma once

#include <corvid/store/transaction_state.hpp>
#include <corvid/store/unit_of_work.hpp>

#include <memory>
#include <span>

namespace corvid::store {

/// What failed, and whose statement it was where that is known.
struct write_failure {
    error why;
    std::optional<std::size_t> unit = {};
};

/// Sends what the units recorded, then their hooks, then COMMIT, as one flight, within a transaction that is
/// open in `state` or, where it is idle, begins now. On failure the transaction is rolled back, save when its
/// outcome is unknown. The units stay alive and unchanged until then.
[[nodiscard]] task<std::expected<void, write_failure>> write_units(session& on, transaction_state& state,
                                                                   std::span<unit_of_work* const> units);

[[nodiscard]] task<result<void>> write_unit(session& on, std::shared_ptr<unit_of_work> unit);

/// Sends ROLLBACK where a transaction may be open.
[[nodiscard]] task<void> roll_back(session& on, transaction_state& state);

} // namespace corvid::store

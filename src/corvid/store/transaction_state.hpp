// SPDX-License-Identifier: Apache-2.0
//
// transaction_state: where a transaction is, and what its COMMIT has come to. Pure: what was sent and what
// was answered come in.
//
//   idle -> open -> committing -> committed | rolled_back | unknown
//              \-> failed -> rolled_back
#pragma once

#include <corvid/store/session.hpp>

namespace corvid::store {

class transaction_state {
public:
    enum class phase : std::uint8_t { idle, open, failed, committing, committed, rolled_back, unknown };

    [[nodiscard]] phase where() const noexcept { return phase_; }
    [[nodiscard]] bool over() const noexcept { return phase_ >= phase::committed; }

    /// A flight is about to be sent: does it begin, does it commit? errc::transaction_over if the transaction
    /// cannot take it; only rollback leads on from `failed`.
    [[nodiscard]] result<void> sending(bool begins, bool commits);

    /// What came of that flight: nothing to add, or the error to hand on. A COMMIT without an answer makes it
    /// commit_unknown.
    [[nodiscard]] result<void> answered(const flight_answer& answer);

    /// The transaction was given up, by ROLLBACK or with its session.
    void rolled_back() noexcept;

private:
    phase phase_ = phase::idle;
};

} // namespace corvid::store

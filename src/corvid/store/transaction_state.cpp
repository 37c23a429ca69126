// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/transaction_state.hpp>

namespace corvid::store {

result<void> transaction_state::sending(bool begins, bool commits) {
    if (begins ? phase_ != phase::idle : phase_ != phase::open)
        return fail(errc::transaction_over,
                    {.message = phase_ == phase::failed ? "a statement of this transaction has failed"
                                : phase_ == phase::idle ? "the transaction has not begun"
                                                        : "the transaction has ended"});
    phase_ = commits ? phase::committing : phase::open;
    return {};
}

result<void> transaction_state::answered(const flight_answer& answer) {
    const bool committing = phase_ == phase::committing;
    if (!answer.failed) {
        if (committing) phase_ = phase::committed;
        return {};
    }
    if (committing && (answer.failed->sqlstate() == "40003" || answer.unsure)) {
        phase_ = phase::unknown;
        return fail(caused_by(
            errc::commit_unknown,
            {.message = "the connection was lost before COMMIT was answered", .operation = "commit"},
            *answer.failed));
    }
    phase_ = answer.lost ? phase::rolled_back : phase::failed;
    return fail(*answer.failed);
}

void transaction_state::rolled_back() noexcept {
    if (!over()) phase_ = phase::rolled_back;
}

} // namespace corvid::store

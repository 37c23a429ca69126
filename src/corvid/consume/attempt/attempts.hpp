// SPDX-License-Identifier: Apache-2.0
//
// attempts: the attempts of one run through its subscription's chain, one after the other, on the thread or
// loop that the run is worked on.
#pragma once

#include <corvid/consume/run.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <optional>

namespace corvid::detail {

class attempts {
public:
    /// `records` has a chain. On the thread that works on it.
    explicit attempts(run& records);

    [[nodiscard]] attempt_chain& chain() const noexcept { return *records_.origin().chain; }
    /// The deadline that they have one after the other, or null.
    [[nodiscard]] deadline* limit() noexcept { return limit_ ? &*limit_ : nullptr; }
    [[nodiscard]] const scheduler& clock() const noexcept { return home_; }

    /// For what cannot wait: false, and the rest of the run is left over, where it is refused.
    [[nodiscard]] bool enter(attempt& next);

    /// For coroutines: true where it waits for the bulkhead, and waited() says the rest.
    [[nodiscard]] bool must_wait(attempt& next);
    void waited(attempt& next, bool has_place);
    [[nodiscard]] bool is_refused() const noexcept { return refused_; }

private:
    bool note(attempt& next, attempt::entry how) noexcept;

    run& records_;
    scheduler& home_;
    std::optional<deadline> limit_;
    bool refused_ = false;
};

} // namespace corvid::detail

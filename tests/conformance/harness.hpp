// SPDX-License-Identifier: Apache-2.0
//
// What the conformance tests share: a fixture that opens one broker for each test, and verbs that run code on a loop and
// wait for what must happen.
#pragma once

#include "broker_under_test.hpp"

#include <gtest/gtest.h>

namespace corvid::conformance {

/// Runs `body` on `loop` and returns when it has run. Throws std::runtime_error when it did not within the patience.
void run_on(broker_under_test& under, scheduler& loop, std::function<void()> body);

/// Asks `holds` on `loop` again and again until it answers true; false when the patience is over.
[[nodiscard]] bool eventually(broker_under_test& under, scheduler& loop, const std::function<bool()>& holds);

/// Lets `span` pass.
void let_pass(broker_under_test& under, duration span);

class conformance : public testing::TestWithParam<broker_factory> {
protected:
    void SetUp() override { under_ = GetParam().open(); }
    [[nodiscard]] broker_under_test& under() { return *under_; }

private:
    std::unique_ptr<broker_under_test> under_;
};

}  // namespace corvid::conformance

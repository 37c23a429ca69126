// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace corvid {

/// The bootstrap address of the Kafka that tests use (CORVID_TEST_KAFKA). Throws std::runtime_error.
[[nodiscard]] inline std::string real_kafka() {
    const char* found = std::getenv("CORVID_TEST_KAFKA");
    if (found == nullptr)
        throw std::runtime_error("CORVID_TEST_KAFKA is not set: `scripts/kafka start` prints an address");
    return found;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include "memory_broker.hpp"

namespace corvid::conformance {

namespace {

const registration simulated{
    {.name = "memory_simulated", .open = [] { return std::make_unique<memory_on_simulation>(); }}};
const registration threads{
    {.name = "memory_threads", .open = [] { return std::make_unique<memory_on_threads>(); }}};

} // namespace

} // namespace corvid::conformance

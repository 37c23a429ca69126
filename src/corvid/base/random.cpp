// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/random.hpp>

#include <random>

namespace corvid {

std::uint64_t entropy_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

} // namespace corvid

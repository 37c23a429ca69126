// SPDX-License-Identifier: Apache-2.0
//
// service_hooks: where a test stands beside a service: see testing/world.hpp. A service in production has
// none.
#pragma once

#include <corvid/consume/run.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace corvid {

struct service_hooks {
    /// What stands in front of each handler of a subscription; empty: nothing does.
    std::function<std::unique_ptr<handler>(std::unique_ptr<handler>, const std::string& group)> around = {};
    /// Of what a service draws: the jitter of back-offs, the partitions of records without a key.
    std::optional<std::uint64_t> seed = {};
};

} // namespace corvid

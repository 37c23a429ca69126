// SPDX-License-Identifier: Apache-2.0
//
// shard_share: which shards a relay takes and which it gives back, from what it sees in the tables, so that
// all relays come to an even share without talking to each other. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::outbox_detail {

struct shard_claim {
    std::int32_t shard = 0;
    std::string owner = {}; ///< empty: nobody
    bool expired = false;   ///< its lease is over
};

struct share_plan {
    std::vector<std::int32_t> take = {}, give = {};
};

/// `relays`: all that live, `me` among them, in order of their names.
[[nodiscard]] share_plan plan_share(std::span<const shard_claim> shards, std::span<const std::string> relays,
                                    std::string_view me);

} // namespace corvid::outbox_detail

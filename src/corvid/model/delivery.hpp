// SPDX-License-Identifier: Apache-2.0
//
// delivery: where a record that was sent is now.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/model/position.hpp>

#include <string_view>

namespace corvid {

struct delivery {
    std::string_view topic; ///< borrowed from the producer that sent it
    partition_id partition;
    corvid::offset offset;
    wall_time timestamp; ///< the record's, as the broker keeps it
};

} // namespace corvid

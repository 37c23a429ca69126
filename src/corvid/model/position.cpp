// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/position.hpp>

namespace corvid {

std::string to_string(const topic_partition& where) {
    return where.topic.str() + '[' + std::to_string(where.partition.value) + ']';
}

} // namespace corvid

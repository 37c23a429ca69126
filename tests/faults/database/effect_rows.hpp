// SPDX-License-Identifier: Apache-2.0
//
// effect_rows: what a worker writes of a record: a row, and an event where it is told so.
#pragma once

#include "../worker_parts.hpp"
#include <corvid/store/rows.hpp>

#include <cstdint>

namespace sample {
struct effect_row {
    std::int64_t id = 0, key = 0, seq = 0, partition = 0, off = 0;
};
BOOST_DESCRIBE_STRUCT(effect_row, (), (id, key, seq, partition, off))

struct effect_had {
    std::uint64_t id = 0;
    std::uint32_t key = 0, seq = 0;
};
CORVID_MESSAGE(effect_had, (id, key, seq), .topic = "test.fault.effect", .key = &effect_had::key);
} // namespace sample

namespace corvid::faults {

template <class Received>
[[nodiscard]] sample::effect_row effect_row_of(const Received& in) {
    return {static_cast<std::int64_t>(in->id), in->key, in->seq, in.partition().value, in.offset().value};
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// effect: what one event is to do to the database, recorded, with its mark; and what became of it. Plain
// values between whoever runs handlers and the writers.
#pragma once

#include <corvid/base/backoff.hpp>
#include <corvid/inbox/event_mark.hpp>
#include <corvid/store/unit_of_work.hpp>

#include <cstdint>
#include <vector>

namespace corvid {

struct effect {
    std::uint64_t tag = 0;  ///< yours: comes back in `settled`
    std::uint64_t lane = 0; ///< effects of one lane are written in the order of their coming
    event_mark mark = {};   ///< the group is the writer's
    unit_of_work unit = {}; ///< empty: the mark alone
    int attempts = 0;       ///< the writer's own: how often it failed alone

    [[nodiscard]] std::size_t bytes() const noexcept { return unit.bytes() + mark.id.size() + 64; }
};

struct settled {
    std::uint64_t tag;
    result<processing> outcome;
};

struct writer_settings {
    std::size_t max_records = 500;       ///< of one transaction, 1 … 10,000
    std::size_t max_bytes = 1U << 20U;   ///< of one transaction; one record may be larger
    std::chrono::milliseconds linger{5}; ///< longest wait for more records
    std::size_t transactions = 2;        ///< at once, 1 … 64: lanes share them; SQLite takes one
    exponential retry = {.first = std::chrono::milliseconds{50}, .limit = 5, .cap = std::chrono::seconds{5}};
};

/// errc::invalid_setting, naming the field.
[[nodiscard]] result<void> validate(const writer_settings& settings);

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// Batch handlers for the harnesses of exactly once: by event id and by offset.
#pragma once

#include "by_offset_harness.hpp"

namespace sample {
struct new_booking {
    std::string account;
    std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(new_booking, (), (account, n))
struct new_place {
    std::int64_t partition = 0, off = 0, n = 0;
};
BOOST_DESCRIBE_STRUCT(new_place, (), (partition, off, n))
} // namespace sample

namespace corvid::test {

using batch_of_booked = std::span<const received<booked>>;

inline void book_all(batch_of_booked batch, unit_of_work& unit) {
    std::vector<sample::new_booking> rows;
    for (const auto& one : batch)
        rows.push_back({one->account, one->n});
    unit.insert("booking", rows);
}
inline void place_all(batch_of_booked batch, unit_of_work& unit) {
    std::vector<sample::new_place> rows;
    for (const auto& one : batch)
        rows.push_back({one.partition().value, one.offset().value, one->n});
    unit.insert("placed", rows);
}
/// What records is `record`; one that asks asks in every second batch.
template <class Record>
auto batches_that_record(Record record) {
    return [record](batch_of_booked batch, batch_context&, unit_of_work& unit) { record(batch, unit); };
}
template <class Record>
auto batches_that_ask(Record record, std::string table) {
    return [record, table](batch_of_booked batch, batch_context&, unit_of_work& unit) -> task<outcome> {
        if (batch.size() % 2 == 0) {
            auto before = co_await unit.query<std::int64_t>("select count(*) from " + table);
            if (!before) co_return retry(before.error());
        }
        record(batch, unit);
        co_return done;
    };
}

template <class F>
auto subscribing(F handler, exactly_once_settings into, order how) {
    return [=](service& s) {
        s.on_batch<booked>("book", handler,
                           {.max = 64,
                            .within = 20ms,
                            .concurrency = 2,
                            .order = how,
                            .retry = {.limit = 2},
                            .exactly_once = into});
    };
}

} // namespace corvid::test

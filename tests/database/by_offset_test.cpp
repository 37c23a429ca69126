// SPDX-License-Identifier: Apache-2.0
// What handlers of a service record is in the database once a record, in the order of the offsets.
#include "by_offset_harness.hpp"

namespace corvid::test {
namespace {

TEST_F(by_offset_on_threads, by_plain_functions) { expect_each_once_in_order_of_offset(places()); }

TEST_F(by_offset_on_threads, by_coroutines_that_ask_now_and_then) {
    expect_each_once_in_order_of_offset(asks_and_places());
}

TEST_F(by_offset_on_threads, with_zombies_that_write_what_others_own) {
    // Another writer of the group that never asked Kafka: it moves rows under the member, with the effects.
    const auto handler = places();
    auto first = member(handler);
    std::atomic<bool> stop = false;
    std::thread zombie([&] {
        prng random(7);
        while (!stop) {
            const auto partition = static_cast<std::int32_t>(random.below(partitions));
            const partition_mark mark{"bank.book", "test.booked", partition};
            const auto row = get(read_position(*db_, mark));
            if (!row || !*row) continue;
            const auto range = cluster_.open_admin()->range_of(
                {topic_name(mark.topic), partition_id(partition)}, std::chrono::seconds(1));
            if (!range || **row >= range->end.value) continue;
            unit_of_work unit;
            inbox_detail::record_move(unit, db_->dialect(), mark, true, **row, **row + 1);
            unit.execute("insert into placed(partition, off, n) values ($1, $2, 1)", partition, **row);
            (void)get(db_->write(std::move(unit)));
        }
    });
    publish(*first, 0, each);
    wait_for_rows(std::int64_t{accounts} * each);
    stop = true;
    zombie.join();
    EXPECT_EQ(first->stop(), exit_code::clean);
    std::set<std::pair<std::int64_t, std::int64_t>> seen;
    std::map<std::int64_t, std::int64_t> last;
    for (const placed& one : read<placed>("select at, partition, off, n from placed order by at")) {
        EXPECT_TRUE(seen.emplace(one.partition, one.off).second) << "twice";
        EXPECT_LE(last[one.partition], one.off);
        last[one.partition] = one.off;
    }
    EXPECT_GE(seen.size(), static_cast<std::size_t>(accounts * (each - each / 25)));
}

} // namespace
} // namespace corvid::test

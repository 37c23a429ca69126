// SPDX-License-Identifier: Apache-2.0
#include "inbox_harness.hpp"
#include <corvid/inbox/by_offset/offset_writer.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

/// Takes what an offset_writer tells, and waits for it.
class partition_news {
public:
    [[nodiscard]] offset_writer::sink sink() {
        return [this](const offset_writer::news& some) {
            const std::lock_guard lock(mutex_);
            if (some.next) positions[some.of] = *some.next;
            if (some.lost) losses.push_back(*some.lost);
            for (const settled& each : some.effects)
                fates[each.tag] = fate_of(each.outcome);
            arrived_.notify_all();
        };
    }
    bool until(const std::function<bool(partition_news&)>& done) {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, 30s, [&] { return done(*this); });
    }
    bool until_next(offset_writer::handle of, std::int64_t offset) {
        return until(
            [=](partition_news& n) { return n.positions.contains(of) && n.positions[of] >= offset; });
    }
    // Only within until(), or when nothing more comes.
    std::map<offset_writer::handle, std::int64_t> positions;
    std::map<std::uint64_t, std::string> fates;
    std::vector<error> losses;

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
};

class offset_writing : public inbox_test {
protected:
    offset_writer& writer(const writer_settings& settings = {.linger = 1ms}) {
        return writer_.emplace(*db_, "billing", news_.sink(), settings);
    }
    static offset_effect at(std::int64_t offset, std::int64_t size = 1) {
        offset_effect one{.tag = static_cast<std::uint64_t>(offset), .offset = offset};
        record(one.unit, std::to_string(offset), size);
        return one;
    }
    static std::vector<offset_effect> from_to(std::int64_t first, std::int64_t last) {
        std::vector<offset_effect> some;
        for (std::int64_t offset = first; offset < last; ++offset)
            some.push_back(at(offset));
        return some;
    }
    std::optional<std::int64_t> position(std::int32_t partition = 0) {
        auto row = get(read_position(*db_, mark(partition)));
        EXPECT_TRUE(row) << (row ? "" : row.error().describe());
        return row.value_or(std::nullopt);
    }
    static partition_mark mark(std::int32_t partition = 0) {
        return {"billing", "shop.order.placed", partition};
    }
    void assign(offset_writer& to, offset_writer::handle of, std::int64_t next, bool known,
                std::int32_t p = 0) {
        to.assign(of, "shop.order.placed", p, next, known);
    }
    std::int64_t count() { return read<std::int64_t>("select count(*) from effect").at(0); }

    partition_news news_;
    std::optional<offset_writer> writer_;
};

TEST_F(offset_writing, moves_the_row_with_the_effects_in_order_of_offset) {
    EXPECT_EQ(position(), std::nullopt);
    auto& out = writer();
    assign(out, 1, 5, false);
    auto some = from_to(5, 40);
    std::ranges::reverse(some);
    out.add(1, std::move(some));
    out.complete(1, 45); // five at the end have no effect
    ASSERT_TRUE(news_.until_next(1, 45));
    EXPECT_EQ(position(), 45);
    EXPECT_EQ(count(), 35);
    out.add(1, from_to(45, 50));
    out.complete(1, 50);
    ASSERT_TRUE(news_.until_next(1, 50));
    EXPECT_EQ(position(), 50);
    EXPECT_EQ(count(), 40);
}

TEST_F(offset_writing, what_a_second_owner_has_written_the_first_does_not_write_again) {
    auto& out = writer();
    assign(out, 1, 0, false);
    out.add(1, from_to(0, 10));
    out.complete(1, 10);
    ASSERT_TRUE(news_.until_next(1, 10));
    assign(out, 2, 10, true);
    out.add(2, from_to(10, 15));
    out.complete(2, 15);
    ASSERT_TRUE(news_.until_next(2, 15));
    out.add(1, from_to(10, 20));
    out.complete(1, 20);
    ASSERT_TRUE(news_.until_next(1, 20));
    EXPECT_EQ(position(), 20);
    EXPECT_EQ(count(), 20);
    assign(out, 3, 0, false); // one that believes there is no row
    out.add(3, from_to(0, 2));
    out.complete(3, 2);
    ASSERT_TRUE(news_.until_next(3, 20));
    EXPECT_EQ(news_.fates[1], "already");
    EXPECT_EQ(count(), 20);
    EXPECT_TRUE(news_.losses.empty());
}

TEST_F(offset_writing, a_row_that_was_moved_back_ends_the_assignment) {
    auto& out = writer();
    assign(out, 1, 0, false);
    out.add(1, from_to(0, 10));
    out.complete(1, 10);
    ASSERT_TRUE(news_.until_next(1, 10));
    EXPECT_EQ(get(reset_position(*db_, mark(), 3)).value_or(-1), 1);
    out.add(1, from_to(10, 12));
    out.complete(1, 12);
    ASSERT_TRUE(news_.until([](partition_news& n) { return !n.losses.empty(); }));
    EXPECT_EQ(news_.losses[0].code(), errc::offset_moved) << news_.losses[0].describe();
    EXPECT_EQ(news_.fates[11], to_string(errc::effect_held)) << "given back";
    EXPECT_EQ(position(), 3);
    EXPECT_EQ(count(), 10);
}

TEST_F(offset_writing, a_record_that_asks_is_a_run_of_one_behind_all_before_it) {
    auto& out = writer();
    assign(out, 1, 0, false);
    out.expect(1, {{0, 5}});
    for (const std::int64_t offset : {4, 0, 1})
        out.hand_in(1, at(offset));
    EXPECT_EQ(get(out.begin({{1, {3}}}, 20ms)).error().code(), errc::effect_held) << "2 is missing";
    auto asked = get(out.begin({{1, {2}}}, 30s));
    ASSERT_TRUE(asked) << asked.error().describe();
    EXPECT_EQ(position(), 2);
    unit_of_work unit(std::static_pointer_cast<unit_reader>(*asked));
    record(unit, "2");
    const auto seen = on_loop(unit.query<std::int64_t>("select count(*) from effect"));
    EXPECT_EQ(seen.value().front(), 3) << "with what it has recorded itself";
    EXPECT_EQ(on_loop((*asked)->commit(unit)), processing::processed);
    EXPECT_EQ(position(), 3);
    asked->reset();
    auto again = get(out.begin({{1, {2}}}, 30s));
    EXPECT_FALSE((*again)->any_new());
    auto dropped = get(out.begin({{1, {3}}}, 30s));
    dropped->reset(); // rolled back: it comes again, recorded
    out.hand_in(1, at(3));
    ASSERT_TRUE(news_.until_next(1, 5));
    EXPECT_EQ(count(), 5);
}

TEST_F(offset_writing, a_refused_record_holds_its_partition_and_no_other) {
    auto& out = writer();
    assign(out, 1, 0, false, 1);
    assign(out, 2, 0, false, 2);
    out.add(1, from_to(0, 5));
    std::vector<offset_effect> bad;
    bad.push_back(at(5, 100));
    out.add(1, std::move(bad));
    out.add(1, from_to(6, 10));
    out.add(2, from_to(100, 110));
    out.complete(1, 10);
    out.complete(2, 110);
    ASSERT_TRUE(news_.until_next(2, 110));
    ASSERT_TRUE(news_.until([](partition_news& n) { return n.fates.contains(5); }));
    EXPECT_EQ(news_.fates[5], to_string(errc::statement_rejected));
    EXPECT_EQ(position(1), 5);
    out.drop(1, 5);
    ASSERT_TRUE(news_.until_next(1, 10));
    EXPECT_EQ(position(1), 10);
    EXPECT_EQ(count(), 19);
}

TEST_F(offset_writing, many_owners_of_one_partition_apply_each_effect_once) {
    // Each reads the row, writes from there, and begins again when it has lost.
    constexpr std::int64_t last = 300;
    const auto owner = [this](offset_writer::handle first_handle) {
        offset_writer::handle handle = first_handle;
        for (int attempt = 0; attempt < 200; ++attempt) {
            const auto row = get(read_position(*db_, mark()));
            if (!row) continue;
            const std::int64_t from = row->value_or(0);
            if (from >= last) return true;
            partition_news news;
            offset_writer out(*db_, "billing", news.sink(), {.max_records = 7, .linger = 0ms});
            assign(out, ++handle, from, row->has_value());
            out.add(handle, from_to(from, last));
            out.complete(handle, last);
            news.until([&](partition_news& n) { return !n.losses.empty() || n.positions[handle] >= last; });
        }
        return false;
    };
    std::vector<std::thread> threads;
    std::atomic<int> done = 0;
    for (offset_writer::handle n = 1; n <= 4; ++n)
        threads.emplace_back([&, n] { done += owner(n * 1'000) ? 1 : 0; });
    for (std::thread& each : threads)
        each.join();
    EXPECT_EQ(done, 4);
    EXPECT_EQ(position(), last);
    EXPECT_EQ(count(), last);
    EXPECT_EQ(read<std::int64_t>("select count(distinct id) from effect"), std::vector<std::int64_t>{last});
}

TEST_F(offset_writing, a_position_outside_of_the_log_is_an_error_that_names_the_remedy_and_reset_moves_it) {
    EXPECT_TRUE(check_position(mark(), 10, 10, 10));
    const auto beyond = check_position(mark(), 11, 0, 10);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code(), errc::offset_outside_log);
    EXPECT_NE(beyond.error().hint().find("reset"), std::string_view::npos);
    EXPECT_FALSE(check_position(mark(), 4, 5, 10));
    EXPECT_EQ(get(reset_position(*db_, mark(), 7)).value_or(-1), 1);
    EXPECT_EQ(position(), 7);
    EXPECT_EQ(get(reset_position(*db_, mark(), 3)).value_or(-1), 1);
    EXPECT_EQ(position(), 3);
    EXPECT_EQ(get(reset_position(*db_, mark(), std::nullopt)).value_or(-1), 1);
    EXPECT_EQ(position(), std::nullopt);
}

} // namespace
} // namespace corvid::test

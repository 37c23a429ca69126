// SPDX-License-Identifier: Apache-2.0
//
// broker::partition_reader: a partition read from its begin, in no group.
#include "harness.hpp"

#include <atomic>

namespace corvid::conformance {

namespace {

/// A reader on a loop of its own, that takes when it is told to.
class reading_alone final : private broker::source_listener {
public:
    reading_alone(broker_under_test& under, topic_partition where) : under_(under) {
        thread_ = under.root().run_thread(
            "reader", [&](scheduler& loop) { reader_ = under.cluster().read(where, {}, loop, *this); });
        run_on(under_, thread_->loop(), [] {});
    }
    ~reading_alone() {
        run_on(under_, thread_->loop(), [this] { reader_.reset(); });
    }
    struct state {
        std::vector<std::string> values = {};
        std::vector<errc> troubles = {};
        bool is_at_end = false;
    };
    state now() {
        run_on(under_, thread_->loop(), [this] { take(); });
        return state_;
    }
    /// What it is told of, and no more.
    [[nodiscard]] bool await(const std::function<bool(const state&)>& holds) {
        return eventually(under_, [&] {
            if (told_.exchange(false)) static_cast<void>(now());
            return holds(state_);
        });
    }

private:
    void ready() noexcept override { told_ = true; }
    void take() {
        for (record_batch batch = reader_->take(7); !batch.empty(); batch = reader_->take(7)) {
            EXPECT_LE(batch.size(), 7u);
            for (const record& each : batch.records())
                state_.values.emplace_back(each.value.text());
        }
        while (const auto why = reader_->take_trouble())
            state_.troubles.push_back(why->code());
        state_.is_at_end = reader_->is_at_end();
    }

    broker_under_test& under_;
    std::atomic<bool> told_{true};
    state state_;
    std::unique_ptr<loop_thread> thread_;
    std::unique_ptr<broker::partition_reader> reader_;
};

} // namespace

TEST_P(conformance, a_reader_has_all_of_a_partition_and_then_what_comes) {
    const topic_name topic = make_topic(2);
    const auto producer = open_producer();
    producer->deliver_numbers(at(topic, 1), 0, 500);
    producer->deliver_numbers(at(topic, 0), 7'000, 10);
    reading_alone reader(under(), at(topic, 1));
    ASSERT_TRUE(reader.await([](const auto& s) { return s.is_at_end; }));
    EXPECT_EQ(reader.now().values, numbers(0, 500)) << "the end is behind all that was there";
    producer->deliver_numbers(at(topic, 1), 500, 300);
    ASSERT_TRUE(reader.await([](const auto& s) { return s.values.size() >= 800; }));
    EXPECT_EQ(reader.now().values, numbers(0, 800));
    EXPECT_TRUE(reader.now().is_at_end);
}

TEST_P(conformance, a_reader_of_an_empty_partition_is_at_its_end) {
    reading_alone reader(under(), at(make_topic(1), 0));
    ASSERT_TRUE(reader.await([](const auto& s) { return s.is_at_end; }));
    EXPECT_TRUE(reader.now().values.empty());
}

TEST_P(conformance, a_reader_finds_the_end_behind_a_gap) {
    const topic_name topic = make_topic(1);
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    under().leave_gap(at(topic, 0));
    reading_alone reader(under(), at(topic, 0));
    ASSERT_TRUE(reader.await([](const auto& s) { return s.is_at_end; }));
    EXPECT_EQ(reader.now().values, numbers(0, 3));
}

TEST_P(conformance, a_reader_of_a_topic_that_is_not_there_is_not_at_its_end_and_reads_it_once_it_is) {
    const topic_name topic(fresh("conformance.later"));
    reading_alone reader(under(), at(topic, 0));
    let_pass(under(), 3s);
    EXPECT_FALSE(reader.now().is_at_end);
    ASSERT_TRUE(under().cluster().open_admin()->create_topic({.name = topic, .partitions = 1}, 30s));
    open_producer()->deliver_numbers(at(topic, 0), 0, 3);
    ASSERT_TRUE(eventually(under(), [&] { return reader.now().values.size() == 3; }));
    ASSERT_TRUE(eventually(under(), [&] { return reader.now().is_at_end; }));
    EXPECT_EQ(reader.now().values, numbers(0, 3));
    for (const errc each : reader.now().troubles)
        EXPECT_EQ(each, errc::unknown_topic);
}

} // namespace corvid::conformance

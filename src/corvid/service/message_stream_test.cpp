// SPDX-License-Identifier: Apache-2.0
//
// What a reader may still do with its record when the group is stopped under it.
#include <corvid/base/simulation.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/scripted_source.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/message_stream.hpp>

#include <gtest/gtest.h>

namespace sample {
struct seen {
    int row = 0;
};
CORVID_MESSAGE(seen, (row), .topic = "test.event.made");
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;

class message_stream_test : public testing::Test {
public:
    message_stream_test() {
        auto handle = std::make_unique<pull_handler>();
        channel->from = handle.get();
        channel->root = &sim;
        channel->commit = [this](const pulled_record& last) {
            committed.emplace_back(*last.where, offset(last.copy->what().offset).next());
        };
        std::vector<subscription> subscriptions(1);
        subscriptions[0] = {
            .name = "scan", .topics = {scripted::topic}, .order = by_partition, .handle = std::move(handle)};
        group_settings settings;
        settings.source.group = "g";
        loop = std::make_unique<group_loop>(cluster, sim, std::move(settings), std::move(subscriptions),
                                            logger({.output = [](std::string_view) {}}), nullptr);
        loop->start();
        cluster.source->say(broker::assigned{{scripted::partition(1)}});
    }
    void stop() {
        loop->stop(1s, 1s);
        channel->from->close();
        EXPECT_TRUE(sim.wait(loop->ended(), sim.steady_now() + 1min));
        EXPECT_EQ(loop->how_it_ended(), loop_end::clean) << "nobody waits for the reader";
        loop.reset();
    }

    simulation sim{1};
    scripted::cluster cluster;
    std::shared_ptr<pull_channel> channel = std::make_shared<pull_channel>();
    std::vector<std::pair<topic_partition, offset>> committed;
    std::unique_ptr<group_loop> loop;
};

TEST_F(message_stream_test, a_record_lives_as_long_as_what_was_polled_through_stop_and_group) {
    message_stream<sample::seen> in(channel);
    {
        (void)in.poll(1s);
        const polled<sample::seen> second = in.poll(1s);
        ASSERT_TRUE(second);
        stop();
        ASSERT_EQ(cluster.batches, 0) << "it is a copy";
        EXPECT_EQ(second.record().offset(), offset(1));
        EXPECT_EQ(second.record().topic(), scripted::topic.str());
        EXPECT_TRUE(second.record().headers().empty());
        second.commit_up_to();
        ASSERT_EQ(committed.size(), 1u);
        EXPECT_EQ(committed[0].first, scripted::partition(1).where);
        EXPECT_EQ(committed[0].second, offset(2));
    }
}

TEST_F(message_stream_test, what_was_polled_may_be_moved_and_copied) {
    message_stream<sample::seen> in(channel);
    std::vector<polled<sample::seen>> kept;
    for (int i = 0; i < 3; ++i)
        kept.push_back(in.poll(1s));
    const auto copy = kept[1];
    kept.erase(kept.begin());
    EXPECT_EQ(copy.record().offset(), offset(1));
    EXPECT_EQ(kept[1].record().offset(), offset(2));
    EXPECT_EQ(kept[1].record()->row, 0);
    stop();
}

} // namespace
} // namespace corvid

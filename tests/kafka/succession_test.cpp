// SPDX-License-Identifier: Apache-2.0
//
// A real client that breaks: librdkafka before 2.3.0 gives an idempotent producer up when brokers come back
// in a bad order (#4438). Here its mock says that sequence numbers do not follow.
#include "mock_cluster.hpp"
#include <corvid/produce/publisher.hpp>

#include <gtest/gtest.h>

#include <atomic>

namespace corvid::kafka {
namespace {

using namespace std::chrono_literals;

/// Sends numbered records of one key and keeps what became of them.
class numbered_sender {
public:
    static constexpr int batch = 100;

    explicit numbered_sender(mock_cluster& mock) : mock_(mock) { mock.create(mock_topic, 1); }

    void send() {
        const int number = sent++;
        out.send(*to_, "k", std::to_string(number), {}, [this, number](result<delivery> answer) {
            if (answer) {
                EXPECT_GT(number, last_.first);
                EXPECT_GT(answer->offset.value, last_.second);
                last_ = {number, answer->offset.value};
            } else {
                ++(answer.error() == errc::possibly_persisted ? possible : failed);
            }
            ++answers;
        });
    }
    void send_until_it_breaks() {
        while (out.rebuilds() == 0 && sent < 5'000) {
            send();
            if (sent % 50 == 0) conformance::let_pass(mock_, 1ms);
        }
        EXPECT_EQ(out.rebuilds(), 1U);
    }
    void await_all() {
        const steady_time until = mock_.root().steady_now() + 60s;
        while (answers < sent && mock_.root().steady_now() < until)
            conformance::let_pass(mock_, 10ms);
        EXPECT_EQ(answers, sent);
    }

private:
    mock_cluster& mock_;
    std::pair<int, std::int64_t> last_{-1, -1}; // number and offset; the delivery loop's

public:
    int sent = 0;
    std::atomic<int> answers{0}, failed{0}, possible{0};
    publisher out{mock_.cluster(), mock_.root(), {.sink = {.linger = 20ms, .batch_records = batch}}};

private:
    published_topic* const to_ = *out.topic(mock_topic);
};

TEST(kafka_succession, what_a_broken_producer_has_not_sent_its_successor_sends_in_order) {
    mock_cluster mock;
    numbered_sender some(mock);
    some.send();
    some.await_all();
    mock.refuse_next_produce(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    some.send_until_it_breaks();
    for (int more = 0; more < 1'000; ++more)
        some.send();
    some.await_all();
    EXPECT_EQ(some.failed, 0);
    EXPECT_LE(some.possible, numbered_sender::batch) << "no more than what was refused";
    EXPECT_TRUE(some.out.close(10s));
}

TEST(kafka_succession, what_no_new_client_cures_is_reported) {
    mock_cluster mock;
    mock.refuse_next_producer_id(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    mock.cut(); // until some wait
    numbered_sender some(mock);
    for (int i = 0; i < 100; ++i)
        some.send();
    mock.mend();
    some.await_all();
    EXPECT_EQ(some.out.rebuilds(), 1U);
    EXPECT_EQ(some.failed, 100);
    some.send();
    some.await_all();
    EXPECT_TRUE(some.out.close(10s));
}

} // namespace
} // namespace corvid::kafka

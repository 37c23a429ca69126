// SPDX-License-Identifier: Apache-2.0
//
// delivery_reports: the half of a sink that lives on the delivery loop. It takes delivery reports, errors and
// log lines from the client's main queue and hands them to the listener. One event is what one produce
// request brought home.
#pragma once

#include <corvid/broker/record_sink.hpp>
#include <corvid/kafka/detail/client.hpp>
#include <corvid/kafka/detail/event_bridge.hpp>

#include <optional>

namespace corvid::kafka {

class delivery_reports {
public:
    /// On the delivery loop.
    delivery_reports(client_handle client, scheduler& delivery, broker::sink_listener& listener);
    ~delivery_reports();
    delivery_reports(const delivery_reports&) = delete;
    delivery_reports& operator=(const delivery_reports&) = delete;

private:
    /// The last failure that was put in words: a purge of 20,000 records needs one error for each partition.
    struct told {
        rd_kafka_resp_err_t native = RD_KAFKA_RESP_ERR_NO_ERROR;
        broker::persistence persisted = broker::persistence::no;
        const rd_kafka_topic_t* topic = nullptr;
        std::int32_t partition = -1;
        std::optional<error> why = {};
    };

    /// What an event adds to its topic's figures: one event is of one topic.
    struct tally {
        std::uint64_t acknowledged = 0, failed = 0, possibly_persisted = 0;
        void add(const rd_kafka_message_t& message) noexcept;
        void write_to(broker::sink_topic::ends& ends) const noexcept;
    };

    void serve() noexcept;
    void dispatch(rd_kafka_event_t* event);
    void deliver(rd_kafka_event_t* event);
    [[nodiscard]] bool pass_on(const rd_kafka_message_t& message);
    void account_for(const rd_kafka_message_t& message, broker::delivery_batch& batch, told& last);
    void add_node(broker::send_node& node, const rd_kafka_message_t& message, told& last);
    void fail_post(const rd_kafka_message_t& message, told& last);
    static const error& explain(const rd_kafka_message_t& message, broker::persistence persisted, told& last);
    void tell_if_broken(const rd_kafka_message_t& message);
    void break_down(const error& why);
    void report_error(rd_kafka_event_t* event);
    void report_log(rd_kafka_event_t* event);

    client_handle client_;
    broker::sink_listener& listener_;
    queue_handle queue_;
    header_list headers_;
    std::optional<rd_kafka_resp_err_t> broke_of_; ///< what ended the client
    event_bridge bridge_;
};

} // namespace corvid::kafka

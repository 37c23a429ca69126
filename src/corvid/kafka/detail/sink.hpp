// SPDX-License-Identifier: Apache-2.0
//
// sink: broker::record_sink on a producer client. send() runs on any thread and adds nothing to
// rd_kafka_produce() but one opaque word; what comes back is delivery_reports' business.
#pragma once

#include <corvid/kafka/detail/delivery_reports.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace corvid::kafka {

class resolved_topic final : public broker::sink_topic {
public:
    /// Throws nothing; native() is null where librdkafka refused the name.
    resolved_topic(rd_kafka_t* client, topic_name name);
    [[nodiscard]] rd_kafka_topic_t* native() const noexcept { return native_.get(); }

private:
    topic_handle native_;
};

class sink final : public broker::record_sink {
public:
    /// On the delivery loop.
    sink(client_handle client, scheduler& delivery, broker::sink_listener& listener);
    ~sink() override;

    [[nodiscard]] result<broker::sink_topic*> topic(const topic_name& name) override;
    [[nodiscard]] result<void> send(const broker::outgoing& record) noexcept override;
    void hurry() noexcept override;
    void purge() noexcept override;
    result<void> close(std::chrono::milliseconds patience) override;

private:
    struct hurrier;
    struct first_look;
    [[nodiscard]] rd_kafka_resp_err_t enqueue_with(const broker::outgoing& record, rd_kafka_topic_t* topic,
                                                   void* opaque) noexcept;
    /// Ends the half on the delivery loop and waits until it has ended.
    void hang_up() noexcept;

    client_handle client_;
    scheduler& delivery_;
    std::unique_ptr<delivery_reports> reports_;
    std::shared_ptr<hurrier> hurrier_;
    std::atomic<bool> closed_{false};
    std::mutex mutex_;
    std::map<topic_name, std::unique_ptr<resolved_topic>> topics_; // under mutex_
};

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
//
// workbench: a publisher and a group in the test's own process, on the shared broker (CORVID_TEST_KAFKA; a
// broker of its own where there is none), and all that they log.
#pragma once

#include "kafka_process.hpp"
#include <corvid/base/task_scope.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/produce/publisher.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace corvid::faults {

using namespace std::chrono_literals;

class workbench {
public:
    /// Empty: the shared broker.
    explicit workbench(std::string bootstrap = {});

    [[nodiscard]] std::string unique();
    topic_name make_topic(std::int32_t partitions, std::map<std::string, std::string> config = {});
    void make_topic(const topic_name& name, std::int32_t partitions,
                    std::map<std::string, std::string> config = {});

    [[nodiscard]] std::unique_ptr<publisher> make_publisher(producer_settings settings);
    [[nodiscard]] result<delivery> send(publisher& by, const topic_name& to, std::string_view value);
    /// All are handed over before the first is answered.
    [[nodiscard]] std::vector<result<delivery>> send_together(publisher& by, const topic_name& to,
                                                              const std::vector<std::string>& values);

    /// A group that reads the topics as messages {n, note} and keeps their n.
    [[nodiscard]] std::unique_ptr<group_loop> join(const std::vector<topic_name>& topics,
                                                   failure_settings failure);
    /// True if it ended in time, and well.
    [[nodiscard]] bool stop(group_loop& loop);
    [[nodiscard]] std::vector<int> handled() const;
    /// What the group has committed for the topic's partition 0; -1: nothing.
    [[nodiscard]] std::int64_t committed_of(const topic_name& topic) const;

    /// One line has all of these.
    [[nodiscard]] bool logged(std::initializer_list<std::string_view> all) const;
    [[nodiscard]] std::string lines() const;

    [[nodiscard]] steady_time now() const noexcept { return root_.steady_now(); }
    void let_pass(std::chrono::milliseconds span) { (void)root_.wait(never_, now() + span); }
    [[nodiscard]] bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience);

private:
    [[nodiscard]] std::string shared_or_own();
    [[nodiscard]] logger make_logger();

    std::optional<kafka_process> own_;
    std::string bootstrap_;
    threaded_scheduler root_;
    kafka::cluster cluster_;
    task_scope scope_;
    signal never_;
    std::string group_;
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    std::vector<int> handled_;
    int made_ = 0;
};

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// runtime: threads and a cluster, for whoever has none of the caller's: a service, a producer, a consumer.
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/service/settings.hpp>

#include <memory>

namespace corvid {

class runtime {
public:
    /// kafka.bootstrap `memory:` gives an in-process cluster with the topics of the settings, else Kafka.
    /// Throws config_error.
    explicit runtime(const settings& from);
    ~runtime();
    [[nodiscard]] scheduler& root() noexcept;
    [[nodiscard]] broker::cluster& cluster() noexcept { return *cluster_; }

private:
    std::unique_ptr<scheduler> root_;
    std::unique_ptr<broker::cluster> cluster_;
};

/// Creates each declared topic that is not there yet; errors as admin's.
[[nodiscard]] result<void> create_topics(broker::cluster& in, const std::vector<topic_settings>& topics,
                                         std::chrono::milliseconds timeout);

/// The producer's part of the settings.
struct producer_settings;
[[nodiscard]] producer_settings producer_settings_of(const settings& from);

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// demo: brings the parts together: a cluster, its topics, the instances of the service, and one run.
#pragma once

#include "options.hpp"
#include "progress.hpp"
#include "punctuality.hpp"
#include "report.hpp"
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace flights {

/// Ctrl-C.
struct interrupted {};

class demo {
public:
    /// Reaches the cluster and creates the topics that are missing. Throws std::runtime_error.
    explicit demo(const options& with);
    ~demo();

    /// Publishes and consumes all of it. Throws std::runtime_error, or interrupted when `stop` is set.
    [[nodiscard]] run_figures run(corvid::signal& stop, tally& expected);

    [[nodiscard]] corvid::scheduler& root() noexcept { return root_; }

private:
    struct instance {
        instance(const corvid::settings& with, corvid::broker::cluster& cluster, corvid::scheduler& root,
                 const std::string& run, rows_seen& seen);
        punctuality state;
        corvid::service service;
    };

    void create_topics();
    void start_instances(const std::string& run, corvid::signal& stop);
    void wait_for_partitions(corvid::signal& stop);
    void wait_for_all(std::int64_t rows, corvid::signal& stop);
    void stop_instances();
    void pause(corvid::signal& stop);
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] corvid::settings service_settings() const;
    [[nodiscard]] double seconds_since(corvid::steady_time start) const;

    const options& options_;
    corvid::threaded_scheduler root_;
    std::unique_ptr<corvid::broker::cluster> cluster_;
    progress progress_;
    std::optional<rows_seen> seen_;
    std::vector<std::unique_ptr<instance>> instances_; // gone before what they use
};

} // namespace flights

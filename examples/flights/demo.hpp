// SPDX-License-Identifier: Apache-2.0
//
// demo: brings the parts together: a cluster, its topics, the instances of the service, and one run.
#pragma once

#include "options.hpp"
#include "progress.hpp"
#include "punctuality.hpp"
#include "report.hpp"
#include "rotations.hpp"
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <algorithm>
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
    /// What the instances share of one run.
    struct shared {
        shared(std::string name, std::int64_t rows)
            : run(name), seen(rows), planes(rows), letters(std::move(name)) {}
        std::string run;
        rows_seen seen;
        fleet planes;
        dead_letters letters;
        /// By both subscriptions.
        [[nodiscard]] std::int64_t handled() const {
            return std::min(seen.count(), planes.followed() + letters.count());
        }
    };
    struct instance {
        instance(const corvid::settings& with, corvid::broker::cluster& cluster, corvid::scheduler& root,
                 shared& of);
        punctuality state;
        rotations following;
        corvid::service service;
    };

    void create_topics();
    void start_instances(corvid::signal& stop);
    void publish_flights(class publisher& out, class flight_file& file, std::int64_t rows,
                         corvid::signal& stop);
    void wait_for_partitions(corvid::signal& stop);
    [[nodiscard]] double assigned_to(const std::string& group);
    void wait_for_all(std::int64_t rows, corvid::signal& stop);
    void stop_instances();
    void sum_up(run_figures& figures);
    void pause(corvid::signal& stop);
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] corvid::settings service_settings() const;
    [[nodiscard]] double seconds_since(corvid::steady_time start) const;

    const options& options_;
    corvid::threaded_scheduler root_;
    std::unique_ptr<corvid::broker::cluster> cluster_;
    progress progress_;
    std::optional<shared> shared_;
    std::vector<std::unique_ptr<instance>> instances_; // gone before what they use
};

} // namespace flights

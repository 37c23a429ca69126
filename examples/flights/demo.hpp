// SPDX-License-Identifier: Apache-2.0
//
// demo: brings the parts together: a cluster, its topics, the instances of the service, and one run.
#pragma once

#include "board.hpp"
#include "member.hpp"
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
        shared(const std::string& name, std::int64_t all)
            : run(name), rows(all), planes(all), letters(name), cancelled(name, all) {}
        std::string run;
        std::int64_t rows;
        fleet planes;
        dead_letters letters;
        cancellations cancelled;
        /// By rotations.
        [[nodiscard]] std::int64_t followed() const { return planes.followed() + letters.count(); }
    };
    struct instance {
        instance(const options& o, corvid::broker::cluster& cluster, corvid::scheduler& root, board& on,
                 shared& of);
        punctuality state;
        rotations following;
        corvid::service service;
    };

    void create_topics();
    void start_members(corvid::signal& stop);
    void publish_flights(class publisher& out, class flight_file& file, corvid::signal& stop);
    void kill_member(std::int64_t published, corvid::signal& stop);
    void wait_for_partitions(corvid::signal& stop);
    [[nodiscard]] double assigned_to(const std::string& group);
    [[nodiscard]] std::int64_t handled();
    [[nodiscard]] punctuality_counts counts();
    [[nodiscard]] bool is_all_done(const run_figures& figures);
    void wait_for_all(const run_figures& figures, corvid::signal& stop);
    void stop_instances();
    void sum_up(run_figures& figures);
    void pause(corvid::signal& stop);
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] double seconds_since(corvid::steady_time start) const;

    std::optional<scratch_file> scratch_;
    options options_;
    corvid::threaded_scheduler root_;
    std::unique_ptr<corvid::broker::cluster> cluster_;
    board board_;
    progress progress_;
    std::optional<shared> shared_;
    std::int64_t on_board_ = 0; // as of the last look
    corvid::steady_time next_look_{};
    std::unique_ptr<doomed_member> doomed_; // these are gone before what they use
    std::vector<std::unique_ptr<instance>> instances_;
};

} // namespace flights

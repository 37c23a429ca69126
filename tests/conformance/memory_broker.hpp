// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker_under_test.hpp"
#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

namespace corvid::conformance {

/// The in-process broker on the simulated scheduler.
class memory_on_simulation final : public broker_under_test {
public:
    explicit memory_on_simulation(std::uint64_t seed = 1) : simulation_(seed), cluster_(simulation_) {}
    scheduler& root() override { return simulation_; }
    memory::cluster& cluster() override { return cluster_; }
    void leave_gap(const topic_partition& where) override { cluster_.script().skip_offsets(where, 3); }

private:
    simulation simulation_;
    memory::cluster cluster_;
};

/// The same on threads and in real time, with sessions as short as tests like them.
class memory_on_threads final : public broker_under_test {
public:
    scheduler& root() override { return root_; }
    memory::cluster& cluster() override { return cluster_; }
    void leave_gap(const topic_partition& where) override { cluster_.script().skip_offsets(where, 3); }
    std::chrono::milliseconds shortest_session() const override { return std::chrono::seconds(1); }

private:
    threaded_scheduler root_;
    memory::cluster cluster_{root_};
};

} // namespace corvid::conformance

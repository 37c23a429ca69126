// SPDX-License-Identifier: Apache-2.0
//
// The in-process broker, on the simulated scheduler.
#include "broker_under_test.hpp"
#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>

namespace corvid::conformance {

namespace {

class on_simulation final : public broker_under_test {
public:
    scheduler& root() override { return simulation_; }
    broker::cluster& cluster() override { return cluster_; }
    void leave_gap(const topic_partition& where) override { cluster_.script().skip_offsets(where, 3); }

private:
    simulation simulation_{1};
    memory::cluster cluster_{simulation_};
};

const registration simulated{
    {.name = "memory_simulated", .open = [] { return std::make_unique<on_simulation>(); }}};

} // namespace

} // namespace corvid::conformance

// SPDX-License-Identifier: Apache-2.0
//
// broker_under_test: one broker as the conformance suite sees it. The suite is written once and run against
// every broker that is registered; a broker registers itself in a file of its own (`registration` below).
//
// The suite's own thread is no loop: it makes loops with root().run_thread() and waits with root().wait(),
// which runs the simulation where there is one.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/broker/cluster.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corvid::conformance {

/// Opened anew for each test. What it cannot do without (a broker that is not there) it throws as
/// std::runtime_error that says what is missing: the test fails.
class broker_under_test {
public:
    virtual ~broker_under_test() = default;
    [[nodiscard]] virtual scheduler& root() = 0;
    [[nodiscard]] virtual broker::cluster& cluster() = 0;

    /// Leaves out at least one offset behind the last record, as a transaction marker does.
    virtual void leave_gap(const topic_partition& where) = 0;

    /// How long anything that must happen may take. Virtual time where there is such.
    [[nodiscard]] virtual std::chrono::milliseconds patience() const { return std::chrono::seconds(60); }
    /// The shortest session that the broker takes from a member.
    [[nodiscard]] virtual std::chrono::milliseconds shortest_session() const {
        return std::chrono::seconds(6);
    }
};

struct broker_factory {
    std::string name; ///< a word, part of the tests' names
    std::function<std::unique_ptr<broker_under_test>()> open;
};

/// Those that are registered, in the order of registration.
[[nodiscard]] std::vector<broker_factory>& brokers();

/// `const registration kafka{{.name = "kafka", .open = …}};`
struct registration {
    explicit registration(broker_factory one) { brokers().push_back(std::move(one)); }
};

} // namespace corvid::conformance

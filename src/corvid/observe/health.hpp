// SPDX-License-Identifier: Apache-2.0
//
// health_registry: the named checks behind the probes of a service.
//
//   liveness    would a restart help? Loops tick and nothing is broken beyond repair. Never asks a broker, a
//   database or
//               any other part outside the process: when these fail a restart helps nobody and loses what is
//               in flight.
//   readiness   can this instance do its work now? Broker reachable, assigned or idle on purpose, stores up.
//
// Thread-safe. Checks run on the thread that asks (the HTTP server's), one at a time: they answer at once,
// from what their owner last noted (an atomic), and never block, add or remove checks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corvid {

enum class probe : std::uint8_t { liveness, readiness };

struct health_status {
    bool ok = true;
    std::string detail = {}; ///< one sentence for operators; of a failing check the cause and the remedy
};

struct health_report {
    struct entry {
        std::string name;
        health_status status;
    };
    bool ok = true;            ///< every check is; true where there is none
    std::vector<entry> checks; ///< in the order of their names

    /// `{"status":"ok"}`, or `"failing"`; verbose: and `"checks":[{"name":…,"status":…,"detail":…},…]`.
    [[nodiscard]] std::string to_json(bool verbose) const;
};

class health_registry {
public:
    using check = std::function<health_status()>;

    /// Keeps a check in the registry; its destruction waits for a run of the check to end. May outlive the
    /// registry.
    class registration;

    health_registry();
    ~health_registry();
    health_registry(const health_registry&) = delete;
    health_registry& operator=(const health_registry&) = delete;

    /// A second check of the same kind and name stands beside the first. A check that throws is failing.
    [[nodiscard]] registration add(probe kind, std::string name, check function);

    [[nodiscard]] health_report report(probe kind) const;

private:
    struct shared;
    std::shared_ptr<shared> shared_;
};

class health_registry::registration {
public:
    registration() = default;
    registration(registration&&) noexcept = default;
    registration& operator=(registration&& other) noexcept;
    ~registration() { reset(); }
    void reset() noexcept;

private:
    friend class health_registry;
    std::shared_ptr<shared> shared_;
    std::uint64_t id_ = 0;
};

} // namespace corvid

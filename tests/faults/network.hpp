// SPDX-License-Identifier: Apache-2.0
//
// network: toxiproxy between clients and servers, a proxy each: of the brokers of a kafka_process that was
// started with --proxied, or of any server. Clients that are told bootstrap() go through it.
#pragma once

#include "kafka_process.hpp"
#include "process.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace corvid::faults {

class network {
public:
    struct way {
        std::uint16_t listens, leads_to; ///< ports
    };
    /// Nodes are numbered from 1. Throws std::runtime_error, as the other does.
    explicit network(const std::vector<way>& ways);
    explicit network(const kafka_process& brokers);

    [[nodiscard]] const std::string& bootstrap() const noexcept { return bootstrap_; } ///< host:port,…
    [[nodiscard]] int brokers() const noexcept { return static_cast<int>(nodes_.size()); }

    /// Adds a toxic of toxiproxy's to the proxy of a node, from 1, in one direction ("upstream",
    /// "downstream").
    void poison(int node, const std::string& type, const std::string& attributes,
                const std::string& direction = "downstream");
    /// Takes every toxic away.
    void heal();
    /// Every connection there is ends at once, whatever it carries; new ones are carried.
    void break_connections();

private:
    void call(const std::string& method, const std::string& path, const std::string& body);

    std::uint16_t port_;
    std::unique_ptr<child> server_;
    std::vector<int> nodes_;
    std::string bootstrap_;
    int made_ = 0;
};

} // namespace corvid::faults

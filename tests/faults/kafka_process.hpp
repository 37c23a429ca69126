// SPDX-License-Identifier: Apache-2.0
//
// kafka_process: a real broker of a test's own, in a directory of its own, which goes with it: also when the
// test's process is killed, by a guard that waits for its end.
#pragma once

#include "process.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace corvid::faults {

class kafka_process {
public:
    /// Starts it and returns when it serves. `options` are those of scripts/kafka start. Throws
    /// std::runtime_error.
    explicit kafka_process(std::vector<std::string> options = {});

    /// kill -9; the data stays. 0: every broker.
    void kill(int node = 0);
    /// Every broker, in an orderly way; the data stays.
    void stop();
    /// A broker stands still, and goes on.
    void freeze(int node) const { signal_to(node, SIGSTOP); }
    void thaw(int node) const { signal_to(node, SIGCONT); }
    /// On the same ports and data, those brokers that do not run; returns when they serve.
    void start();

    [[nodiscard]] const std::string& bootstrap() const noexcept { return bootstrap_; } ///< host:port,…
    [[nodiscard]] std::string version() const;
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

private:
    void signal_to(int node, int number) const;

    std::vector<std::string> options_;
    std::filesystem::path directory_;
    std::string bootstrap_;
    server_guard guard_;
};

} // namespace corvid::faults

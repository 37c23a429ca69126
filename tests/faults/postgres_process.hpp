// SPDX-License-Identifier: Apache-2.0
//
// postgres_process: a real PostgreSQL of a test's own, as kafka_process: it goes with its object, and with
// the test's process.
#pragma once

#include "process.hpp"

#include <libpq-fe.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace corvid::faults {

class postgres_process {
public:
    /// `options` are those of scripts/postgres start. Throws std::runtime_error.
    explicit postgres_process(const std::vector<std::string>& options = {});

    /// kill -9 of all its processes; the data stays.
    void kill() const;
    /// On the same port and data; returns when it serves.
    void start() const;
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    [[nodiscard]] std::uint16_t port() const;

private:
    std::filesystem::path directory_;
    std::string url_;
    server_guard guard_;
};

struct close_connection {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
};
using raw_connection = std::unique_ptr<PGconn, close_connection>;

/// All of these throw std::runtime_error on failure.
[[nodiscard]] raw_connection connect_raw(const std::string& url);
/// The rows, as text; null is empty.
std::vector<std::vector<std::string>> rows_of(PGconn* on, const std::string& sql);
/// False where the server refused it.
[[nodiscard]] bool try_raw(PGconn* on, const std::string& sql);

} // namespace corvid::faults

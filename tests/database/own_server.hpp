// SPDX-License-Identifier: Apache-2.0
//
// own_server: a server of a test's own, started by one of the scripts and ended with the object.
#pragma once

#include <string>

namespace corvid::test {

class own_server {
public:
    /// `script` of scripts/: "postgres", "redis". Throws where the server cannot be had.
    explicit own_server(std::string script, const std::string& options = {});
    ~own_server();
    own_server(const own_server&) = delete;
    own_server& operator=(const own_server&) = delete;

    /// "start", "kill", …: what the script prints.
    std::string command(const std::string& verb, const std::string& options = {});
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    std::string script_, directory_, url_;
};

} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
//
// dependencies: the breakers, rate limits and bulkheads of a service. Those with a name are shared by all
// handlers that name them, the others belong to one handler.
//
// Made while handlers are declared, on one thread; breakers() is for any.
#pragma once

#include <corvid/middleware/bulkhead.hpp>
#include <corvid/middleware/circuit_breaker.hpp>
#include <corvid/middleware/token_bucket.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace corvid {

class dependencies {
public:
    explicit dependencies(const logger& log, metrics* figures = nullptr);

    /// For `handler`; null where the settings ask for none. Throw config_error where they cannot work, or
    /// where the name was given with other settings before.
    [[nodiscard]] std::shared_ptr<circuit_breaker> breaker(const breaker_settings& of,
                                                           const std::string& handler);
    [[nodiscard]] std::shared_ptr<rate_limit> rate(const rate_settings& of, const std::string& handler);
    [[nodiscard]] std::shared_ptr<corvid::bulkhead> bulkhead(const bulkhead_settings& of,
                                                             const std::string& handler);

    /// All there are.
    [[nodiscard]] std::vector<std::shared_ptr<const circuit_breaker>> breakers() const;
    [[nodiscard]] const logger& log() const noexcept { return log_; }
    [[nodiscard]] metrics* figures() const noexcept { return figures_; }

private:
    template <class Part, class Settings>
    struct shared_part {
        Settings settings;
        std::shared_ptr<Part> part;
    };
    template <class Part, class Settings>
    using by_name = std::map<std::string, shared_part<Part, Settings>>;
    template <class Part, class Settings, class Make>
    std::shared_ptr<Part> find_or_make(by_name<Part, Settings>& in, const Settings& of, const char* kind,
                                       const std::string& handler, Make make);

    logger log_;
    metrics* figures_;
    by_name<circuit_breaker, breaker_settings> breakers_;
    by_name<rate_limit, rate_settings> rates_;
    by_name<corvid::bulkhead, bulkhead_settings> bulkheads_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const circuit_breaker>> all_;
};

} // namespace corvid

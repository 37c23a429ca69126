// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/settings.hpp>

namespace corvid {

namespace {

std::unexpected<error> wrong(std::string message) {
    return fail(errc::invalid_setting, {.message = std::move(message)});
}

result<void> validate_url(const std::string& url) {
    if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return {};
    if (url.starts_with("sqlite:") && url.size() > 7) return {};
    return wrong("database.url is neither postgresql://… nor sqlite:FILE");
}

} // namespace

result<void> validate(const database_settings& settings) {
    if (auto url = validate_url(settings.url); !url) return url;
    if (settings.pool_size < 1 || settings.pool_size > 1000)
        return wrong("database.pool_size is not within 1 to 1000");
    if (settings.statement_cache < 8) return wrong("database.statement_cache is below 8");
    for (const auto& [value, name] :
         {std::pair{settings.acquire_timeout, "acquire_timeout"},
          std::pair{settings.connect_timeout, "connect_timeout"},
          std::pair{settings.statement_deadline, "statement_deadline"},
          std::pair{settings.lock_timeout, "lock_timeout"},
          std::pair{settings.transaction_idle_timeout, "transaction_idle_timeout"},
          std::pair{settings.validate_after, "validate_after"}})
        if (value <= std::chrono::milliseconds{0})
            return wrong(std::string("database.") + name + " is not above 0");
    if (settings.lock_timeout > settings.statement_deadline)
        return fail(errc::conflicting_settings,
                    {.message = "database.lock_timeout is above database.statement_deadline"});
    return settings.reconnect.validate();
}

} // namespace corvid

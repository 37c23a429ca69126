// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/database/own_database.hpp>

namespace corvid::detail {

database& own_database::open(const database_address& at, scheduler& root, metrics& figures,
                             health_registry& health) {
    if (open_) return *open_;
    if (at.url.empty())
        throw config_error(
            error(errc::invalid_setting,
                  {.message = "the service is asked for its database, and database.url is empty",
                   .hint = "set database.url",
                   .operation = "open the database"}));
    const database_settings settings{.url = at.url.reveal(),
                                     .pool_size = at.pool_size,
                                     .acquire_timeout = at.acquire_timeout,
                                     .statement_deadline = at.statement_deadline,
                                     .lock_timeout = at.lock_timeout};
    open_.emplace(root, settings, &figures);
    check_ = health.add(probe::readiness, "database", [&of = *open_] {
        const bool ok = of.reachable();
        return health_status{.ok = ok, .detail = ok ? "" : "the database of database.url does not answer"};
    });
    return *open_;
}

} // namespace corvid::detail

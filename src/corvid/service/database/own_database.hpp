// SPDX-License-Identifier: Apache-2.0
//
// own_database: the database of a service's settings, opened when it is first asked for; the service is not
// ready while it cannot be reached.
#pragma once

#include <corvid/observe/health.hpp>
#include <corvid/service/settings.hpp>
#include <corvid/store/database.hpp>

#include <optional>

namespace corvid::detail {

class own_database {
public:
    /// Throws config_error where `at` names none.
    [[nodiscard]] database& open(const database_address& at, scheduler& root, metrics& figures,
                                 health_registry& health);

private:
    std::optional<database> open_;
    health_registry::registration check_;
};

} // namespace corvid::detail

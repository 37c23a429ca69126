// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <corvid/service/service.hpp>

namespace corvid::detail {

/// Throw config_error where an option is set that only another way to subscribe takes.
void check_of_handler(const std::string& name, const subscription_options& options);
void check_of_stream(const std::string& name, const subscription_options& options);

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// What all processes of the demo share: its topics and how its services are set up.
#pragma once

#include "options.hpp"
#include <corvid/service/settings.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace flights {

inline constexpr const char* dead_letter_topic = "air.flight.reported.flights.rotations.dlq";

[[nodiscard]] std::vector<corvid::topic_settings> topics();

/// `client`: of the member, among those of its groups.
[[nodiscard]] corvid::settings service_settings(const options& o, const std::string& client = {});

} // namespace flights

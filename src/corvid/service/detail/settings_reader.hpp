// SPDX-License-Identifier: Apache-2.0
//
// settings_reader: puts what a YAML document and the environment say into settings, by the table. Text in,
// settings or the first error out; pure, but for the files that `${file:…}` names.
#pragma once

#include <corvid/service/settings.hpp>

#include <string_view>

namespace corvid::detail {

/// Errors call the document `name`. Variables stand for `${…}` in it.
[[nodiscard]] result<void> read_yaml(settings& into, std::string_view yaml, std::string_view name,
                                     const environment& variables);

/// Every variable that begins with CORVID_ and belongs to no tool must name a setting.
[[nodiscard]] result<void> read_environment(settings& into, const environment& variables);

} // namespace corvid::detail

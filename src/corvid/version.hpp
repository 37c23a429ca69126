// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The version of corvid this unit is compiled with. CMakeLists.txt reads it from here: it is written nowhere
/// else. Before 1.0 a minor version may break source and binary compatibility; CHANGELOG.md says how.

#define CORVID_VERSION_MAJOR 0
#define CORVID_VERSION_MINOR 1
#define CORVID_VERSION_PATCH 0

namespace corvid {

/// "major.minor.patch".
inline constexpr const char* version = "0.1.0";

} // namespace corvid

# SPDX-License-Identifier: Apache-2.0
# Finds librdkafka's C library and offers it as RdKafka::rdkafka: by its own CMake config where that is installed,
# else by pkg-config (Debian ships no config). Installed beside corvid-config.cmake, which needs it too.
find_package(RdKafka ${RdKafka_FIND_VERSION} CONFIG QUIET)

if(NOT TARGET RdKafka::rdkafka)
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
        pkg_check_modules(PC_RDKAFKA QUIET rdkafka)
    endif()
    find_path(RdKafka_INCLUDE_DIR librdkafka/rdkafka.h HINTS ${PC_RDKAFKA_INCLUDE_DIRS})
    find_library(RdKafka_LIBRARY rdkafka HINTS ${PC_RDKAFKA_LIBRARY_DIRS})
    mark_as_advanced(RdKafka_INCLUDE_DIR RdKafka_LIBRARY)
    set(RdKafka_VERSION "${PC_RDKAFKA_VERSION}")
else()
    set(RdKafka_LIBRARY RdKafka::rdkafka)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RdKafka REQUIRED_VARS RdKafka_LIBRARY VERSION_VAR RdKafka_VERSION
    REASON_FAILURE_MESSAGE "install librdkafka's development files (Debian: librdkafka-dev)")

if(RdKafka_FOUND AND NOT TARGET RdKafka::rdkafka)
    add_library(RdKafka::rdkafka UNKNOWN IMPORTED)
    set_target_properties(RdKafka::rdkafka PROPERTIES
        IMPORTED_LOCATION "${RdKafka_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${RdKafka_INCLUDE_DIR}")
endif()

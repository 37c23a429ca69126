# SPDX-License-Identifier: Apache-2.0
# Installs headers, libraries, the CMake package (also usable from the build tree) and corvid.pc.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY CORVID_MODULES)
list(TRANSFORM modules PREPEND corvid_ OUTPUT_VARIABLE module_targets)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/corvid")
install(TARGETS corvid ${module_targets} EXPORT corvid-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT corvid-targets NAMESPACE corvid:: DESTINATION ${package_dir})
export(EXPORT corvid-targets NAMESPACE corvid:: FILE "${PROJECT_BINARY_DIR}/corvid-targets.cmake")

configure_package_config_file(cmake/corvid-config.cmake.in "${PROJECT_BINARY_DIR}/corvid-config.cmake"
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/corvid-config-version.cmake" COMPATIBILITY SameMinorVersion)
configure_file(cmake/corvid-dependencies.cmake "${PROJECT_BINARY_DIR}/corvid-dependencies.cmake" COPYONLY)
configure_file(cmake/FindRdKafka.cmake "${PROJECT_BINARY_DIR}/FindRdKafka.cmake" COPYONLY)
configure_file(cmake/FindHiredis.cmake "${PROJECT_BINARY_DIR}/FindHiredis.cmake" COPYONLY)
install(FILES
    "${PROJECT_BINARY_DIR}/corvid-config.cmake"
    "${PROJECT_BINARY_DIR}/corvid-config-version.cmake"
    cmake/corvid-dependencies.cmake
    cmake/FindRdKafka.cmake
    cmake/FindHiredis.cmake
    DESTINATION ${package_dir})

install(FILES alerts/corvid.rules.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/corvid/alerts)

# corvid.pc. What corvid links is private to a shared corvid (Requires.private). A static one hands it on to the user's link
# (Requires): `pkg-config --libs corvid` is then the whole line, and the third parties stay as shared as they are installed;
# `--static` would also ask for the libraries behind librdkafka. A library that uses another stands before it.
get_property(links GLOBAL PROPERTY CORVID_LINKS)
set(pc_libraries "")
set(pc_requires "")
foreach(module IN LISTS modules)
    get_target_property(type corvid_${module} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
        set(pc_libraries " -lcorvid_${module}${pc_libraries}")
    endif()
endforeach()
foreach(pair IN ITEMS
        "RdKafka::rdkafka|rdkafka >= 2.0.2" "simdjson::simdjson|simdjson" "spdlog::spdlog|spdlog"
        "prometheus-cpp::core|prometheus-cpp-core" "yaml-cpp::yaml-cpp|yaml-cpp"
        "PostgreSQL::PostgreSQL|libpq" "SQLite::SQLite3|sqlite3" "Hiredis::hiredis|hiredis")
    string(REPLACE "|" ";" pair "${pair}")
    list(GET pair 0 target)
    list(GET pair 1 package)
    if(target IN_LIST links)
        list(APPEND pc_requires "${package}")
    endif()
endforeach()
list(JOIN pc_requires ", " pc_requires)
if(BUILD_SHARED_LIBS)
    set(pc_private ".private")
endif()
set(pc_cflags "")
if(NOT Boost_INCLUDE_DIRS STREQUAL "/usr/include")
    set(pc_cflags " -isystem ${Boost_INCLUDE_DIRS}")
endif()
# From the .pc file's folder back to the prefix, so that the installed tree may be moved.
cmake_path(SET pc_folder NORMALIZE "/${CMAKE_INSTALL_LIBDIR}/pkgconfig")
cmake_path(RELATIVE_PATH pc_folder BASE_DIRECTORY / OUTPUT_VARIABLE pc_folder)
string(REGEX REPLACE "[^/]+" ".." pc_up "${pc_folder}")
configure_file(cmake/corvid.pc.in "${PROJECT_BINARY_DIR}/corvid.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/corvid.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# SPDX-License-Identifier: Apache-2.0
# What corvid's libraries link. Read by this build and, installed, by corvid-config.cmake: one list for both.
include(CMakeFindDependencyMacro)

find_dependency(Threads)
find_dependency(Boost 1.81 CONFIG)
find_dependency(RdKafka 2.0.2)
find_dependency(simdjson CONFIG)
find_dependency(spdlog CONFIG)
find_dependency(prometheus-cpp CONFIG)
find_dependency(yaml-cpp CONFIG)
find_dependency(PostgreSQL)
find_dependency(SQLite3)

# yaml-cpp 0.7 exports `yaml-cpp`, 0.8 `yaml-cpp::yaml-cpp`: corvid links the newer name.
if(TARGET yaml-cpp AND NOT TARGET yaml-cpp::yaml-cpp)
    add_library(yaml-cpp::yaml-cpp INTERFACE IMPORTED)
    set_target_properties(yaml-cpp::yaml-cpp PROPERTIES INTERFACE_LINK_LIBRARIES yaml-cpp)
endif()

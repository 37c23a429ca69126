// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/freed_memory.hpp>

#include <gtest/gtest.h>

#include <map>

namespace corvid::kafka {
namespace {

bool may_keep(const std::map<std::string, const char*>& environment) {
    return may_keep_freed_memory([&](const char* name) -> const char* {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second;
    });
}

TEST(freed_memory, is_kept_unless_the_operator_has_chosen) {
    EXPECT_TRUE(may_keep({}));
    EXPECT_TRUE(may_keep({{"GLIBC_TUNABLES", "glibc.pthread.rseq=0"}}));
    EXPECT_FALSE(may_keep({{"GLIBC_TUNABLES", "glibc.pthread.rseq=0:glibc.malloc.arena_max=2"}}));
    EXPECT_FALSE(may_keep({{"MALLOC_TRIM_THRESHOLD_", "131072"}}));
    EXPECT_FALSE(may_keep({{"MALLOC_MMAP_THRESHOLD_", "131072"}}));
}

} // namespace
} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/freed_memory.hpp>

#include <cstdlib>
#include <mutex>
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace corvid::kafka {

bool may_keep_freed_memory(const std::function<const char*(const char*)>& variable) {
    const char* tunables = variable("GLIBC_TUNABLES");
    return !(tunables && std::string_view(tunables).find("glibc.malloc.") != std::string_view::npos) &&
           !variable("MALLOC_TRIM_THRESHOLD_") && !variable("MALLOC_MMAP_THRESHOLD_");
}

void keep_freed_memory() {
#ifdef __GLIBC__
    static std::once_flag once;
    std::call_once(once, [] {
        if (!may_keep_freed_memory([](const char* name) -> const char* { return std::getenv(name); })) return;
        constexpr int mebi = 1 << 20;
        mallopt(M_MMAP_THRESHOLD, 32 * mebi); // glibc's own maximum
        mallopt(M_TRIM_THRESHOLD, 256 * mebi);
    });
#endif
}

} // namespace corvid::kafka

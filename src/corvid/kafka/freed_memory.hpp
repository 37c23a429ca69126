// SPDX-License-Identifier: Apache-2.0
//
// keep_freed_memory: librdkafka takes and frees a buffer for each answer of a broker, a megabyte and more.
// glibc gives each back to the kernel, and every page of the next one is faulted in again: a tenth of a
// consumer's CPU. This lets glibc keep them, for the whole process, once. An operator's own choice
// (GLIBC_TUNABLES, MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_) stays.
#pragma once

#include <functional>
#include <string>

namespace corvid::kafka {

/// Whether the environment leaves the choice to us.
[[nodiscard]] bool may_keep_freed_memory(const std::function<const char*(const char*)>& variable);

/// Any thread.
void keep_freed_memory();

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD library: counts this process's allocations (operator new ends in malloc) and offers the count to
// the arms as corvid_malloc_count(). Never part of a timed run.
#include <atomic>
#include <cerrno>
#include <cstddef>

// glibc's own entries, so that no dlsym (which allocates) is needed.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

std::atomic<unsigned long long> calls{0};

void count() { calls.fetch_add(1, std::memory_order_relaxed); }

} // namespace

#pragma GCC visibility push(default)
extern "C" {

unsigned long long corvid_malloc_count() { return calls.load(std::memory_order_relaxed); }

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
    count();
    return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size) {
    count();
    return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
    count();
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}

} // extern "C"
#pragma GCC visibility pop

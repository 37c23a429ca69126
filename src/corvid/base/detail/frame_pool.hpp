// SPDX-License-Identifier: Apache-2.0
//
// frame_pool: memory for coroutine frames and completion states, 0 mallocs once warm.
//
// Each thread keeps free blocks by size class; what it has too many of goes to a shared depot in bundles, so
// that blocks freed on another thread than they were allocated on come back. With AddressSanitizer blocks
// come from the heap each time, so that a use after free is seen.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace corvid::detail {

[[nodiscard]] void* pool_allocate(std::size_t bytes);
void pool_free(void* block, std::size_t bytes) noexcept;

/// Objects in the pool: `auto* node = pool_new<node_type>(…); … pool_delete(node);`
template <class T, class... Args>
[[nodiscard]] T* pool_new(Args&&... args) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* block = pool_allocate(sizeof(T));
    try {
        return ::new (block) T(std::forward<Args>(args)...);
    } catch (...) {
        pool_free(block, sizeof(T));
        throw;
    }
}

template <class T>
void pool_delete(T* object) noexcept {
    object->~T();
    pool_free(object, sizeof(T));
}

} // namespace corvid::detail

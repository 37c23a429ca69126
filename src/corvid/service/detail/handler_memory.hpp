// SPDX-License-Identifier: Apache-2.0
//
// handler_memory: a place for the one Asio operation that its owner has under way at a time, so that starting
// it again and again allocates nothing. What does not fit, or comes while it is taken, goes to the heap.
// Internal.
#pragma once

#include <cstddef>
#include <new>

namespace corvid::detail {

/// Allocation and release must be ordered by the owner's protocol; they may be on different threads.
class handler_memory {
public:
    handler_memory() = default;
    handler_memory(const handler_memory&) = delete;
    handler_memory& operator=(const handler_memory&) = delete;

    void* allocate(std::size_t bytes) {
        if (taken_ || bytes > sizeof place_) return ::operator new(bytes);
        taken_ = true;
        return place_;
    }

    void deallocate(void* memory) noexcept {
        if (memory == place_)
            taken_ = false;
        else
            ::operator delete(memory);
    }

private:
    alignas(std::max_align_t) std::byte place_[256];
    bool taken_ = false;
};

/// The associated allocator of a handler.
template <class T>
class handler_allocator {
public:
    using value_type = T;
    explicit handler_allocator(handler_memory& memory) noexcept : memory_(&memory) {}
    template <class U>
    handler_allocator(const handler_allocator<U>& other) noexcept : memory_(other.memory_) {}

    T* allocate(std::size_t n) { return static_cast<T*>(memory_->allocate(n * sizeof(T))); }
    void deallocate(T* memory, std::size_t) noexcept { memory_->deallocate(memory); }

    template <class U>
    bool operator==(const handler_allocator<U>& other) const noexcept {
        return memory_ == other.memory_;
    }

private:
    template <class U>
    friend class handler_allocator;
    handler_memory* memory_;
};

} // namespace corvid::detail

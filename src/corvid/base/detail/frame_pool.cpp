// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/detail/frame_pool.hpp>

#include <corvid/base/scheduler.hpp>

#include <array>
#include <cstdint>
#include <mutex>

#if defined(__SANITIZE_ADDRESS__)
#define CORVID_POOL_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORVID_POOL_IS_HEAP 1
#endif
#endif

namespace corvid::detail {

#ifdef CORVID_POOL_IS_HEAP

void* pool_allocate(std::size_t bytes) { return ::operator new(bytes); }
void pool_free(void* block, std::size_t bytes) noexcept { ::operator delete(block, bytes); }

#else

namespace {

constexpr std::size_t granule = 64;
constexpr std::size_t classes = 32; // up to 2 KiB
constexpr std::size_t bundle = 64;  // blocks that move between a thread and the depot at once

struct block {
    block* next;        // in its bundle or free list
    block* next_bundle; // in the depot
};

// On a cache line of its own each: what is touched together lies in few.
constexpr std::align_val_t alignment{granule};

void* fresh(std::size_t c) { return ::operator new((c + 1) * granule, alignment); }
void destroy(void* memory) noexcept { ::operator delete(memory, alignment); }

struct depot {
    std::mutex mutex;
    std::array<block*, classes> bundles{};
};

// Never destroyed: threads that end after main still give their blocks back.
depot& shared_depot() {
    static depot* const one = new depot;
    return *one;
}

class thread_cache {
public:
    ~thread_cache() {
        for (std::size_t c = 0; c < classes; ++c)
            while (lists_[c].head)
                give_bundle(c);
    }

    void* take(std::size_t c) {
        auto& list = lists_[c];
        if (!list.head) take_bundle(c);
        if (!list.head) return fresh(c);
        --list.count;
        block* const taken = std::exchange(list.head, list.head->next);
        prefetch(list.head, (c + 1) * granule); // the next to be taken: many in flight have left the cache
        return taken;
    }

    void give(std::size_t c, void* memory) noexcept {
        auto& list = lists_[c];
        list.head = ::new (memory) block{list.head, nullptr};
        if (++list.count >= 2 * bundle) give_bundle(c);
    }

private:
    struct free_list {
        block* head = nullptr;
        std::size_t count = 0;
    };

    static void prefetch(const void* memory, std::size_t bytes) noexcept {
        if (memory) corvid::prefetch(memory, bytes);
    }

    void take_bundle(std::size_t c) {
        auto& shared = shared_depot();
        const std::lock_guard lock(shared.mutex);
        block* first = shared.bundles[c];
        if (!first) return;
        shared.bundles[c] = first->next_bundle;
        std::size_t n = 0;
        for (block* b = first; b; b = b->next)
            ++n;
        lists_[c] = {first, n};
    }

    void give_bundle(std::size_t c) noexcept {
        auto& list = lists_[c];
        block* first = list.head;
        block* last = first;
        std::size_t n = 1;
        for (; n < bundle && last->next; ++n)
            last = last->next;
        list = {last->next, list.count - n};
        last->next = nullptr;
        auto& shared = shared_depot();
        const std::lock_guard lock(shared.mutex);
        first->next_bundle = shared.bundles[c];
        shared.bundles[c] = first;
    }

    std::array<free_list, classes> lists_{};
};

// The pointer stays readable while thread-local objects are being destroyed; the cache does not.
thread_local thread_cache* cache = nullptr;
thread_local bool thread_is_ending = false;

struct cache_owner {
    thread_cache own;
    cache_owner() noexcept { cache = &own; }
    ~cache_owner() {
        cache = nullptr;
        thread_is_ending = true;
    }
};

thread_cache* this_threads_cache() {
    if (!cache && !thread_is_ending) {
        thread_local cache_owner owner;
        cache = &owner.own;
    }
    return cache;
}

} // namespace

void* pool_allocate(std::size_t bytes) {
    const std::size_t c = (bytes - 1) / granule;
    if (c >= classes) return ::operator new(bytes);
    if (thread_cache* mine = this_threads_cache()) return mine->take(c);
    return fresh(c);
}

void pool_free(void* memory, std::size_t bytes) noexcept {
    const std::size_t c = (bytes - 1) / granule;
    if (c >= classes) return ::operator delete(memory);
    if (thread_cache* mine = this_threads_cache()) return mine->give(c, memory);
    destroy(memory);
}

#endif

} // namespace corvid::detail

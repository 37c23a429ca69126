// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/detail/frame_pool.hpp>

#include <corvid/base/scheduler.hpp>

#include <sys/mman.h>

#include <array>
#include <mutex>
#include <utility>

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

constexpr std::size_t granule = 64; // blocks begin on a cache line: what is touched together lies in few
constexpr std::size_t classes = 32; // up to 2 KiB
constexpr std::size_t bundle = 64;  // blocks that move between a thread and the depot at once
// What blocks are cut from, one huge page where the system has them: thousands of blocks are in use at once,
// and looking up where the pages of each are would take longer than fetching them.
constexpr std::size_t slab = std::size_t{2} << 20;

struct block {
    block* next = nullptr;
    // Of the first of a bundle, in the depot:
    block* next_bundle = nullptr;
    std::size_t count = 0;
};

struct stack {
    block* top = nullptr;
    std::size_t count = 0;
};

class depot {
public:
    void put(std::size_t c, stack blocks) noexcept {
        if (!blocks.top) return;
        blocks.top->count = blocks.count;
        const std::lock_guard lock(mutex_);
        blocks.top->next_bundle = std::exchange(bundles_[c], blocks.top);
    }
    /// Never empty.
    [[nodiscard]] stack take(std::size_t c) {
        const std::lock_guard lock(mutex_);
        block* const first = bundles_[c];
        if (!first) return cut((c + 1) * granule);
        bundles_[c] = first->next_bundle;
        return {first, first->count};
    }

private:
    stack cut(std::size_t size) {
        if (room_ < size) {
            slab_ = static_cast<std::byte*>(::operator new(slab, std::align_val_t{slab}));
            room_ = slab;
            ::madvise(slab_, slab, MADV_HUGEPAGE); // where it cannot: as it is
        }
        stack made;
        for (; made.count < bundle && room_ >= size; ++made.count, slab_ += size, room_ -= size)
            made.top = ::new (slab_) block{.next = made.top};
        return made;
    }

    std::mutex mutex_;
    std::byte* slab_ = nullptr; // what is left of it
    std::size_t room_ = 0;
    std::array<block*, classes> bundles_{};
};

// Never destroyed: threads that end after main still give their blocks back.
depot& shared_depot() {
    static depot* const one = new depot;
    return *one;
}

// Of each class a bundle in use, and a whole one beside it: whole ones change hands unread, for their blocks
// have left the cache.
class thread_cache {
public:
    ~thread_cache() {
        for (std::size_t c = 0; c < classes; ++c)
            for (const stack each : {stocks_[c].in_use, stocks_[c].whole})
                shared_depot().put(c, each);
    }

    void* take(std::size_t c) {
        stock& its = stocks_[c];
        if (!its.in_use.top)
            its.in_use = its.whole.top ? std::exchange(its.whole, {}) : shared_depot().take(c);
        --its.in_use.count;
        block* const taken = std::exchange(its.in_use.top, its.in_use.top->next);
        if (its.in_use.top) prefetch(its.in_use.top, (c + 1) * granule); // the next to be taken
        return taken;
    }

    void give(std::size_t c, void* memory) noexcept {
        stock& its = stocks_[c];
        if (its.in_use.count == bundle) {
            shared_depot().put(c, std::exchange(its.whole, its.in_use));
            its.in_use = {};
        }
        its.in_use = {::new (memory) block{.next = its.in_use.top}, its.in_use.count + 1};
    }

private:
    struct stock {
        stack in_use, whole;
    };
    std::array<stock, classes> stocks_{};
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
    return thread_cache().take(c);
}

void pool_free(void* memory, std::size_t bytes) noexcept {
    const std::size_t c = (bytes - 1) / granule;
    if (c >= classes) return ::operator delete(memory);
    if (thread_cache* mine = this_threads_cache()) return mine->give(c, memory);
    thread_cache().give(c, memory);
}

#endif

} // namespace corvid::detail

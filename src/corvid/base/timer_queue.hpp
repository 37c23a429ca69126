// SPDX-License-Identifier: Apache-2.0
//
// timer_queue: the pending timers of one loop, earliest first; equal times in the order of add(). A heap of
// four children a node, whose entries hold the times: comparing touches no timer, of which thousands have
// left the cache. The timers carry their places, so that any of them leaves in O(log n), and none is
// allocated. Owns nothing. Both schedulers use it, each loop on its own thread.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace corvid {

class timer_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

    /// The earliest time; the queue must not be empty.
    [[nodiscard]] steady_time next_due() const noexcept { return heap_.front().due; }
    [[nodiscard]] bool due_at(steady_time now) const noexcept { return !empty() && next_due() <= now; }

    /// `node` must be idle. Leaves everything as it was when memory is short.
    void add(steady_time when, timer& node) {
        assert(!node.pending());
        const entry fresh{when, next_order_++, &node};
        heap_.push_back(fresh);
        node.due = when;
        node.order = fresh.order;
        rise(heap_.size() - 1, fresh);
    }

    /// Takes a pending timer out; false if it is idle.
    bool remove(timer& node) noexcept {
        if (!node.pending()) return false;
        const std::size_t hole = node.position;
        assert(hole < heap_.size() && heap_[hole].node == &node);
        node.position = timer::idle;
        const entry last = heap_.back();
        heap_.pop_back();
        if (last.node != &node) refill(hole, last);
        return true;
    }

    /// Takes the earliest out; the queue must not be empty.
    timer& pop() noexcept {
        timer& first = *heap_.front().node;
        remove(first);
        if (!heap_.empty()) heap_.front().node->prefetch();
        return first;
    }

    /// Makes every timer idle.
    void clear() noexcept {
        for (const entry& each : heap_)
            each.node->position = timer::idle;
        heap_.clear();
    }

private:
    struct entry {
        steady_time due;
        std::uint64_t order;
        timer* node;
        [[nodiscard]] bool before(const entry& other) const noexcept {
            return due != other.due ? due < other.due : order < other.order;
        }
    };
    static constexpr std::size_t children = 4;

    void place(std::size_t at, const entry& one) noexcept {
        heap_[at] = one;
        one.node->position = at;
    }

    void refill(std::size_t hole, const entry& one) noexcept {
        if (hole > 0 && one.before(heap_[(hole - 1) / children]))
            rise(hole, one);
        else
            sink(hole, one);
    }

    void rise(std::size_t hole, const entry& one) noexcept {
        while (hole > 0) {
            const std::size_t parent = (hole - 1) / children;
            if (!one.before(heap_[parent])) break;
            place(hole, heap_[parent]);
            hole = parent;
        }
        place(hole, one);
    }

    void sink(std::size_t hole, const entry& one) noexcept {
        for (;;) {
            const std::size_t first = children * hole + 1;
            if (first >= heap_.size()) break;
            const std::size_t end = std::min(first + children, heap_.size());
            std::size_t least = first;
            for (std::size_t each = first + 1; each < end; ++each)
                if (heap_[each].before(heap_[least])) least = each;
            if (!heap_[least].before(one)) break;
            place(hole, heap_[least]);
            hole = least;
        }
        place(hole, one);
    }

    std::vector<entry> heap_;
    std::uint64_t next_order_ = 0;
};

} // namespace corvid

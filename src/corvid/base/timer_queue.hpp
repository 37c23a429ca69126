// SPDX-License-Identifier: Apache-2.0
//
// timer_queue: the pending timers of one loop, earliest first; equal times in the order of add(). A binary
// heap of pointers whose places the timers themselves carry, so that any of them leaves in O(log n) and none
// is allocated. Owns nothing. Both schedulers use it, each loop on its own thread.
#pragma once

#include <corvid/base/scheduler.hpp>

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
    [[nodiscard]] steady_time next_due() const noexcept { return heap_.front()->due; }
    [[nodiscard]] bool due_at(steady_time now) const noexcept { return !empty() && next_due() <= now; }

    /// `node` must be idle. Leaves everything as it was when memory is short.
    void add(steady_time when, timer& node) {
        assert(!node.pending());
        heap_.push_back(&node);
        node.due = when;
        node.order = next_order_++;
        rise(heap_.size() - 1, node);
    }

    /// Takes a pending timer out; false if it is idle.
    bool remove(timer& node) noexcept {
        if (!node.pending()) return false;
        const std::size_t hole = node.position;
        assert(hole < heap_.size() && heap_[hole] == &node);
        node.position = timer::idle;
        timer& last = *heap_.back();
        heap_.pop_back();
        if (&last != &node) refill(hole, last);
        return true;
    }

    /// Takes the earliest out; the queue must not be empty.
    timer& pop() noexcept {
        timer& first = *heap_.front();
        remove(first);
        return first;
    }

    /// Makes every timer idle.
    void clear() noexcept {
        for (timer* node : heap_)
            node->position = timer::idle;
        heap_.clear();
    }

private:
    static bool before(const timer& a, const timer& b) noexcept {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }

    void place(std::size_t at, timer& node) noexcept {
        heap_[at] = &node;
        node.position = at;
    }

    void refill(std::size_t hole, timer& node) noexcept {
        if (hole > 0 && before(node, *heap_[(hole - 1) / 2]))
            rise(hole, node);
        else
            sink(hole, node);
    }

    void rise(std::size_t hole, timer& node) noexcept {
        while (hole > 0) {
            const std::size_t parent = (hole - 1) / 2;
            if (!before(node, *heap_[parent])) break;
            place(hole, *heap_[parent]);
            hole = parent;
        }
        place(hole, node);
    }

    void sink(std::size_t hole, timer& node) noexcept {
        for (;;) {
            std::size_t child = 2 * hole + 1;
            if (child >= heap_.size()) break;
            if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
            if (!before(*heap_[child], node)) break;
            place(hole, *heap_[child]);
            hole = child;
        }
        place(hole, node);
    }

    std::vector<timer*> heap_;
    std::uint64_t next_order_ = 0;
};

} // namespace corvid

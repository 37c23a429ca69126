// SPDX-License-Identifier: Apache-2.0
//
// timer_queue: the pending timers of one loop, earliest first; equal times in the order of add().
//
// Most timers of a busy loop are as long as one another and so become due in the order in which they were
// added: those stand in a line, where adding and taking is O(1) and what is due next is known ahead. Whatever
// would have to go far forward in it stands in a heap of four children a node. Both hold the times: no timer
// is touched while others move, for thousands of them have left the cache. Any of them leaves in O(log n),
// and none is allocated. Owns nothing. Both schedulers use it, each loop on its own thread.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace corvid {

class timer_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty() && first_ == line_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size() + line_.size() - first_ - gone_; }

    /// The earliest time; the queue must not be empty.
    [[nodiscard]] steady_time next_due() const noexcept { return earliest().due; }
    [[nodiscard]] bool due_at(steady_time now) const noexcept { return !empty() && next_due() <= now; }

    /// `node` must be idle. Leaves everything as it was when memory is short.
    void add(steady_time when, timer& node) {
        assert(!node.pending());
        if (free_ == none) grow();
        const entry fresh{when, next_order_, free_};
        const std::size_t place = place_in_line(when);
        if (place == nowhere)
            heap_.emplace_back();
        else
            line_.insert(line_.begin() + static_cast<std::ptrdiff_t>(place), fresh);
        holder& its = seats_[fresh.seat];
        free_ = its.place;
        its = {&node, in_line};
        node.due = when;
        node.seat = fresh.seat;
        ++next_order_;
        if (place == nowhere) rise(heap_.size() - 1, fresh);
    }

    /// Takes a pending timer out; false if it is idle.
    bool remove(timer& node) noexcept {
        if (!node.pending()) return false;
        const std::uint32_t seat = std::exchange(node.seat, timer::idle);
        const std::uint32_t place = seats_[seat].place;
        if (place == in_line) {
            seats_[seat].node = nullptr;
            ++gone_;
            close_up();
        } else {
            take_from_heap(place);
        }
        return true;
    }

    /// Takes the earliest out; the queue must not be empty. Asks for the memory of those that come next.
    timer& pop() noexcept {
        const bool of_line = first_ < line_.size() && (heap_.empty() || line_[first_].before(heap_.front()));
        timer& taken = *node_of(of_line ? line_[first_] : heap_.front());
        taken.seat = timer::idle;
        if (of_line) {
            leave(line_[first_++].seat);
            close_up();
            foresee();
        } else {
            take_from_heap(0);
            if (!heap_.empty()) node_of(heap_.front())->prefetch();
        }
        return taken;
    }

    /// Makes every timer idle.
    void clear() noexcept {
        while (!empty())
            static_cast<void>(pop());
    }

private:
    struct entry {
        steady_time due;
        std::uint64_t order = 0;
        std::uint32_t seat = 0;
        [[nodiscard]] bool before(const entry& other) const noexcept {
            return due != other.due ? due < other.due : order < other.order;
        }
    };
    /// A timer's for as long as it is pending; one that left the line early keeps its seat until it is its
    /// turn.
    struct holder {
        timer* node;         // null: it has left
        std::uint32_t place; // in the heap, or in_line; of a free one: the next that is free
    };
    static constexpr std::size_t children = 4;
    static constexpr std::uint32_t none = timer::idle;
    static constexpr std::uint32_t in_line = none - 1;
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
    static constexpr std::size_t most_steps = 16;

    [[nodiscard]] timer* node_of(const entry& one) const noexcept { return seats_[one.seat].node; }
    [[nodiscard]] const entry& earliest() const noexcept {
        if (first_ == line_.size()) return heap_.front();
        return heap_.empty() || line_[first_].before(heap_.front()) ? line_[first_] : heap_.front();
    }

    void grow() {
        const auto fresh = static_cast<std::uint32_t>(seats_.size());
        seats_.push_back({nullptr, none});
        free_ = fresh;
    }
    void leave(std::uint32_t seat) noexcept { seats_[seat] = {nullptr, std::exchange(free_, seat)}; }

    // --- the line: line_[first_] is pending, where there is one

    /// Behind all that are due before or with it; nowhere: that is too far from the end.
    [[nodiscard]] std::size_t place_in_line(steady_time when) const noexcept {
        const std::size_t least = line_.size() - std::min(most_steps, line_.size() - first_);
        for (std::size_t at = line_.size(); at > least; --at)
            if (line_[at - 1].due <= when) return at;
        return least == first_ ? first_ : nowhere;
    }

    /// So that a pending one is first, and the ones that have left are never the most.
    void close_up() noexcept {
        while (first_ < line_.size() && !node_of(line_[first_])) {
            leave(line_[first_++].seat);
            --gone_;
        }
        if (first_ + gone_ <= line_.size() / 2 + most_steps) return;
        const auto end = std::remove_if(line_.begin() + static_cast<std::ptrdiff_t>(first_), line_.end(),
                                        [this](const entry& each) {
                                            if (node_of(each)) return false;
                                            leave(each.seat);
                                            return true;
                                        });
        line_.erase(end, line_.end());
        line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = gone_ = 0;
    }

    /// The second asks for its own memory, the first, which has it by now, for what lies behind.
    void foresee() const noexcept {
        if (first_ + 1 >= line_.size()) return;
        if (const timer* const second = node_of(line_[first_ + 1])) second->prefetch();
        node_of(line_[first_])->prefetch_behind();
    }

    // --- the heap

    void take_from_heap(std::size_t hole) noexcept {
        leave(heap_[hole].seat);
        const entry last = heap_.back();
        heap_.pop_back();
        if (hole < heap_.size()) refill(hole, last);
    }

    void place(std::size_t at, const entry& one) noexcept {
        heap_[at] = one;
        seats_[one.seat].place = static_cast<std::uint32_t>(at);
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

    std::vector<entry> line_; // from first_ on
    std::size_t first_ = 0;
    std::size_t gone_ = 0; // of those from first_ on
    std::vector<entry> heap_;
    std::vector<holder> seats_;
    std::uint32_t free_ = none;
    std::uint64_t next_order_ = 0;
};

} // namespace corvid

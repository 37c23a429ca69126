// SPDX-License-Identifier: Apache-2.0
//
// lane_table: finds the lane of a key among those in flight. Open addressing, linear probing, no tombstones
// (what leaves is closed up), at most a quarter full: probes hardly ever meet, and the branches are foretold.
// It holds nothing of keys that are done, and shrinks again.
//
// lane_pool: lanes to use again.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/lanes/lane.hpp>

#include <cstring>
#include <memory>
#include <vector>

namespace corvid {

class lane_pool {
public:
    lane_pool() = default;
    lane_pool(const lane_pool&) = delete;
    lane_pool& operator=(const lane_pool&) = delete;
    ~lane_pool() {
        while (free_)
            destroy_one();
    }

    [[nodiscard]] lane& get() {
        lane* const one = free_ ? pop() : std::make_unique<lane>().release();
        ++in_use_;
        *one = lane();
        return *one;
    }
    /// Keeps as many as are in use, and a few: a swing of half the load allocates nothing, a load that is
    /// gone leaves nothing.
    void give_back(lane& one) noexcept {
        --in_use_;
        one.next_ = free_;
        free_ = &one;
        ++spare_;
        while (spare_ > few_ && spare_ > in_use_)
            destroy_one();
    }
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
    [[nodiscard]] std::size_t spare() const noexcept { return spare_; }

private:
    static constexpr std::size_t few_ = 1024;
    lane* pop() noexcept {
        lane* const one = free_;
        free_ = one->next_;
        --spare_;
        return one;
    }
    void destroy_one() noexcept { const std::unique_ptr<lane> last(pop()); }
    lane* free_ = nullptr;
    std::size_t in_use_ = 0, spare_ = 0;
};

class lane_table {
public:
    /// What a record's lane is known by. Keys are compared byte by byte: hashes only say where to look.
    struct identity {
        std::uint64_t hash;
        optional_bytes key;
        std::uint32_t scope;
    };

    [[nodiscard]] lane* find(const identity& id) const noexcept {
        if (slots_.empty()) return nullptr;
        for (std::size_t at = home(id.hash);; at = next(at)) {
            const slot& s = slots_.data()[at];
            if (!s.in) return nullptr;
            if (s.hash == id.hash && is_same(*s.in, id)) return s.in;
        }
    }

    /// Where find() of that hash looks first.
    void prefetch(std::uint64_t hash) const noexcept {
        if (!slots_.empty()) corvid::prefetch(slots_.data() + home(hash), sizeof(slot));
    }
    /// The lane that it finds there, often that of the hash; null: none.
    [[nodiscard]] const lane* likely(std::uint64_t hash) const noexcept {
        return slots_.empty() ? nullptr : slots_.data()[home(hash)].in;
    }

    /// The lane is in no table and no lane here has its identity.
    void insert(lane& one) {
        if (slots_.size() < 4 * (size_ + 1)) resize(std::max(least_, 2 * slots_.size()));
        put({one.hash_, &one});
        ++size_;
    }

    void erase(const lane& one) noexcept {
        std::size_t hole = home(one.hash_);
        while (slots_.data()[hole].in != &one)
            hole = next(hole);
        close_up(hole);
        --size_;
        if (slots_.size() > least_ && size_ < slots_.size() / 16) shrink();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

    /// f(lane&) on each; f must not change the table.
    template <class F>
    void for_each(F&& f) const {
        for (const slot& s : slots_)
            if (s.in) f(*s.in);
    }

private:
    struct slot {
        std::uint64_t hash = 0;
        lane* in = nullptr;
    };
    static constexpr std::size_t least_ = 1024;

    static bool is_same(const lane& one, const identity& id) noexcept {
        if (one.scope_ != id.scope || one.keyed_ != id.key.has_value()) return false;
        const optional_bytes& its = one.tail_->key; // the last one is touched anyway
        return !one.keyed_ || (its.size() == id.key.size() &&
                               (its.size() == 0 || std::memcmp(its.data(), id.key.data(), its.size()) == 0));
    }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (slots_.size() - 1); }
    [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }

    void put(const slot& s) noexcept {
        std::size_t at = home(s.hash);
        while (slots_.data()[at].in)
            at = next(at);
        slots_.data()[at] = s;
    }
    // Moves back into the hole whatever would not be found behind it.
    void close_up(std::size_t hole) noexcept {
        for (std::size_t at = next(hole); slots_.data()[at].in; at = next(at)) {
            const std::size_t distance = (at - home(slots_.data()[at].hash)) & (slots_.size() - 1);
            if (distance < ((at - hole) & (slots_.size() - 1))) continue;
            slots_.data()[hole] = slots_.data()[at];
            hole = at;
        }
        slots_.data()[hole] = {};
    }
    void resize(std::size_t to) {
        std::vector<slot> old(to);
        old.swap(slots_);
        for (const slot& s : old)
            if (s.in) put(s);
    }
    void shrink() noexcept {
        try {
            resize(slots_.size() / 2);
        } catch (...) { // short of memory: it stays as large as it is
        }
    }

    std::vector<slot> slots_;
    std::size_t size_ = 0;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// succession: what is sent between the end of one sink and the beginning of the next. A client that broke
// still holds records that it never sent: it bequeaths them. What is sent meanwhile is held behind those, in
// the order in which it comes.
#pragma once

#include <corvid/produce/detail/record_copy.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

namespace corvid::detail {

class succession {
public:
    struct held {
        broker::outgoing record;
        std::unique_ptr<record_copy> bytes; ///< that `record` points into
    };
    /// Whether its topic is of the sink that records go to now.
    using is_current = bool (*)(const broker::outgoing& record) noexcept;

    explicit succession(is_current asks) noexcept : is_current_(asks) {}

    /// Records are to be held. Read it behind the route of a record.
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
    /// Before the routes change.
    void begin();
    /// Copies the record. It opens by itself for one that a sink in use has refused: the news that it is
    /// broken is on its way. False: it is over, or the record's sink is no longer in use.
    [[nodiscard]] bool hold(const broker::outgoing& record);
    /// A record that a broken sink never sent, in the order of each partition. Copies it. False: too late,
    /// what came behind it is taken already.
    [[nodiscard]] bool inherit(const broker::outgoing& record);
    /// What is here, oldest first; none: it is over, and nothing is held from now on. Not before the broken
    /// sinks have reported all.
    [[nodiscard]] std::deque<held> take();
    /// The rest of what was taken: the successor broke, too. False, and nothing happened: shut.
    [[nodiscard]] bool put_back(std::deque<held>& rest);
    /// The same, and it never begins again.
    [[nodiscard]] std::deque<held> shut();

private:
    static held copy_of(const broker::outgoing& record);
    [[nodiscard]] std::deque<held> all();

    const is_current is_current_;
    std::atomic<bool> open_{false}; // written under the mutex
    std::mutex mutex_;
    bool shut_ = false;
    bool is_taken_ = false; ///< since it began
    std::deque<held> inherited_, held_;
};

} // namespace corvid::detail

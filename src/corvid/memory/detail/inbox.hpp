// SPDX-License-Identifier: Apache-2.0
//
// inbox: what the coordinator tells one member, until its loop takes it. Filled from any thread, emptied on
// the loop.
#pragma once

#include <corvid/broker/record_source.hpp>
#include <corvid/memory/detail/waker.hpp>

#include <deque>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

namespace corvid::memory {

/// Partitions given (taken back: `revoke`); their slots are the source's own business.
struct partitions_moved {
    std::vector<topic_partition> partitions;
    bool revoke = false;
    bool lost = false;
};

using notice = std::variant<partitions_moved, broker::source_error, broker::closed>;

class inbox final : public waker {
public:
    inbox(scheduler& loop, broker::source_listener& listener) noexcept : waker(loop), listener_(&listener) {}

    void push(notice what);
    /// Takes back partitions that were given but that the loop has not seen yet, and answers which.
    std::vector<topic_partition> take_back_given();
    /// Marks a revoke that the loop has not seen yet as lost.
    void lose_revoked();
    /// From now on only `closed` gets through.
    void cut();
    [[nodiscard]] bool is_cut() const noexcept { return cut_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::optional<notice> pop();
    /// On the loop: the source is going.
    void detach() noexcept;

private:
    void visit() noexcept override {
        if (listener_) listener_->ready();
    }
    partitions_moved* find(bool revoke) noexcept;

    broker::source_listener* listener_; // on the loop only
    std::mutex mutex_;
    std::deque<notice> notices_;
    bool is_gone_ = false;
    std::atomic<bool> cut_{false};
};

} // namespace corvid::memory

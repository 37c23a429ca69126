// SPDX-License-Identifier: Apache-2.0
//
// event_bridge: brings the wake-ups of librdkafka's queues to a loop.
//
// A queue calls out, on one of librdkafka's threads and under the queue's lock, when it goes from empty to
// non-empty; many calls become one post to the loop. Whoever is woken serves its queues until they are empty
// (or remembers what it left): a queue that is not drained does not call again.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/kafka/detail/handles.hpp>

#include <atomic>

namespace corvid::kafka {

class event_bridge {
public:
    using wake_function = void (*)(void* self) noexcept;
    /// `woken(self)` runs on `loop`, and may destroy the bridge.
    event_bridge(scheduler& loop, wake_function woken, void* self);
    /// On the loop, after every queue was detached.
    ~event_bridge();
    event_bridge(const event_bridge&) = delete;
    event_bridge& operator=(const event_bridge&) = delete;

    /// What waits in the queue already wakes nobody: serve it once after this.
    void attach(rd_kafka_queue_t* queue) noexcept;
    static void detach(rd_kafka_queue_t* queue) noexcept;
    /// Wakes as a queue would. Any thread.
    void wake() noexcept { node_->signal(); }

private:
    struct node : work {
        node(scheduler& l, wake_function f, void* s) noexcept
            : work(&node::arrive), loop(l), woken(f), self(s) {}
        static void arrive(work& me) noexcept;
        void signal() noexcept {
            if (!posted.exchange(true, std::memory_order_acq_rel)) loop.post(*this);
        }
        scheduler& loop;
        wake_function woken; // null: the bridge is gone, the node frees itself
        void* self;
        std::atomic<bool> posted{false};
    };
    node* node_;
};

} // namespace corvid::kafka

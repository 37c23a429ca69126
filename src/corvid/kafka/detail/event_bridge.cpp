// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/event_bridge.hpp>

namespace corvid::kafka {

void event_bridge::node::arrive(work& me) noexcept {
    auto& self = static_cast<node&>(me);
    if (!self.woken) {
        delete &self;
        return;
    }
    // Before the queues are served: what comes from here on wakes anew.
    self.posted.store(false, std::memory_order_release);
    self.woken(self.self);
}

event_bridge::event_bridge(scheduler& loop, wake_function woken, void* self)
    : node_(new node(loop, woken, self)) {}

event_bridge::~event_bridge() {
    if (node_->posted.load(std::memory_order_acquire))
        node_->woken = nullptr;
    else
        delete node_;
}

void event_bridge::attach(rd_kafka_queue_t* queue) noexcept {
    rd_kafka_queue_cb_event_enable(
        queue, [](rd_kafka_t*, void* opaque) { static_cast<node*>(opaque)->signal(); }, node_);
}

void event_bridge::detach(rd_kafka_queue_t* queue) noexcept {
    rd_kafka_queue_cb_event_enable(queue, nullptr, nullptr);
}

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/sink.hpp>

namespace corvid::memory {

sink::sink(std::shared_ptr<core> of, const broker::sink_settings& settings, scheduler& delivery,
           broker::sink_listener& listener)
    : core_(std::move(of)),
      box_(
          std::make_shared<outbox>(delivery, listener, limits_of(settings), core_->sends(), core_->clock())) {
    const auto held = core_->lock();
    core_->keep(box_);
}

sink::~sink() {
    if (!closed_) box_->abandon();
}

result<broker::sink_topic*> sink::topic(const topic_name& name) {
    const auto held = core_->lock();
    const auto there = core_->find(name);
    const std::lock_guard lock(mutex_);
    auto& place = topics_[name];
    if (!there && !place) {
        topics_.erase(name);
        return fail(errc::unknown_topic, {.operation = "send", .topic = name.str()});
    }
    if (!place) place = std::make_unique<outbox_topic>(there);
    return place.get();
}

result<void> sink::send(const broker::outgoing& record) noexcept {
    bool must_wait = false;
    auto sent = box_->send(record, must_wait);
    if (must_wait) core_->look_again();
    return sent;
}

void sink::purge() noexcept { (void)box_->purge(); }

result<void> sink::close(std::chrono::milliseconds patience) {
    closed_ = true;
    if (box_->close() || core_->clock().wait(box_->drained, core_->now() + patience)) return {};
    const std::size_t given_up = box_->purge();
    (void)core_->clock().wait(box_->drained, std::nullopt);
    if (given_up == 0) return {};
    return fail(errc::close_timed_out,
                {.message = std::to_string(given_up) + " records were given up after " +
                            std::to_string(patience.count()) + " ms",
                 .operation = "close producer"});
}

} // namespace corvid::memory

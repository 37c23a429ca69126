// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/client.hpp>

namespace corvid::kafka {

struct closing_thread::grave : work {
    grave(rd_kafka_t* n, std::shared_ptr<closing_thread> o) noexcept
        : work(&grave::dig), native(n), owner(std::move(o)) {}
    static void dig(work& self) noexcept {
        const std::unique_ptr<grave> me(static_cast<grave*>(&self));
        // A consumer was closed before it came here, or is past closing; closing it once more could block for
        // ever.
        rd_kafka_destroy_flags(me->native, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        me->owner->gone();
    }
    rd_kafka_t* native;
    std::shared_ptr<closing_thread> owner;
};

void closing_thread::start(scheduler& from) {
    const std::lock_guard lock(mutex_);
    if (thread_) return;
    thread_ = from.run_thread("corvid-close", [](scheduler&) {});
    loop_ = &thread_->loop();
}

void closing_thread::adopted() noexcept {
    const std::lock_guard lock(mutex_);
    ++clients_;
}

void closing_thread::destroy(rd_kafka_t* native) noexcept {
    auto node = std::make_unique<grave>(native, shared_from_this());
    if (loop_)
        loop_->post(*node.release());
    else
        grave::dig(*node.release());
}

void closing_thread::gone() noexcept {
    const std::lock_guard lock(mutex_);
    if (--clients_ == 0 && idle_) idle_->set();
}

bool closing_thread::finish(std::chrono::milliseconds patience) {
    signal idle;
    {
        const std::lock_guard lock(mutex_);
        if (!thread_) return true;
        if (clients_ == 0) idle.set();
        idle_ = &idle;
    }
    const bool can_wait = scheduler::current() == nullptr;
    const bool ended = can_wait ? loop().wait(idle, loop().steady_now() + patience) : idle.is_set();
    std::unique_ptr<loop_thread> thread;
    {
        const std::lock_guard lock(mutex_);
        idle_ = nullptr;
        thread = std::move(thread_);
    }
    if (!ended) let_go(thread); // joining it could block for ever
    return ended;
}

client::client(rd_kafka_t* native, std::shared_ptr<closing_thread> closing) noexcept
    : native_(native), closing_(std::move(closing)) {
    closing_->adopted();
}

client::~client() { closing_->destroy(native_); }

} // namespace corvid::kafka

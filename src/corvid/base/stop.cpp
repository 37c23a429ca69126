// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/stop.hpp>

#include <corvid/base/detail/this_thread.hpp>

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace corvid {

namespace detail {

// What a source, its tokens and its callbacks share. A callback is in the list until it runs, then it is
// `running_` until its function has returned or has detached it; request() does not touch it after the call.
class stop_state {
public:
    [[nodiscard]] std::optional<stop_reason> reason() const noexcept {
        const auto value = reason_.load(std::memory_order_acquire);
        return value == none ? std::nullopt : std::optional(static_cast<stop_reason>(value));
    }

    bool request(stop_reason reason) noexcept {
        std::unique_lock lock(mutex_);
        if (this->reason()) return false;
        reason_.store(static_cast<std::uint8_t>(reason), std::memory_order_release);
        requester_ = thread_mark();
        while (first_) {
            running_ = first_;
            unlink(*running_);
            stop_callback& callback = *running_;
            lock.unlock();
            callback.run_(callback, reason);
            lock.lock();
            running_ = nullptr;
            ended_.notify_all();
        }
        return true;
    }

    /// False if stop was requested before: then the callback is not in the list.
    bool add(stop_callback& callback) noexcept {
        const std::scoped_lock lock(mutex_);
        if (reason()) return false;
        callback.next_ = std::exchange(first_, &callback);
        if (callback.next_) callback.next_->previous_ = &callback;
        return true;
    }

    void remove(stop_callback& callback) noexcept {
        std::unique_lock lock(mutex_);
        if (callback.previous_ || first_ == &callback) return unlink(callback);
        if (running_ == &callback && requester_ == thread_mark())
            running_ = nullptr;
        else
            ended_.wait(lock, [&] { return running_ != &callback; });
    }

private:
    static constexpr std::uint8_t none = 0;

    void unlink(stop_callback& callback) noexcept {
        (callback.previous_ ? callback.previous_->next_ : first_) = callback.next_;
        if (callback.next_) callback.next_->previous_ = callback.previous_;
        callback.next_ = callback.previous_ = nullptr;
    }

    std::atomic<std::uint8_t> reason_{none};
    std::mutex mutex_;
    std::condition_variable ended_;
    stop_callback* first_ = nullptr;
    stop_callback* running_ = nullptr;
    const void* requester_ = nullptr;
};

} // namespace detail

std::string_view to_string(stop_reason reason) noexcept {
    switch (reason) {
    case stop_reason::deadline:
        return "deadline";
    case stop_reason::revoked:
        return "revoked";
    case stop_reason::shutdown:
        break;
    }
    return "shutdown";
}

std::optional<stop_reason> stop_token::reason() const noexcept {
    return state_ ? state_->reason() : std::nullopt;
}

stop_source::stop_source() : state_(std::make_shared<detail::stop_state>()) {}

// The state is held for the call: a callback may destroy this source.
bool stop_source::request(stop_reason reason) const noexcept {
    const auto state = state_;
    return state->request(reason);
}

void stop_callback::attach(const stop_token& token) noexcept {
    assert(!attached());
    if (!token.state_) return;
    state_ = token.state_;
    if (!state_->add(*this)) run_(*this, *token.reason());
}

void stop_callback::detach() noexcept {
    if (const auto state = std::exchange(state_, nullptr)) state->remove(*this);
}

} // namespace corvid

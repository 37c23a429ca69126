// SPDX-License-Identifier: Apache-2.0
//
// message_stream<T>: a subscription that is read instead of called:
//
//   auto in = service.stream<flight_departed>("scan");
//   while (auto r = co_await in.next()) { use(*r); }          // or in.poll(100ms) on a plain thread
//
// A record is done when the next one is asked for, or by r.commit_up_to() where the subscription commits by
// hand. Bytes that are no T come as an error: `r` is false then, and r.why() says it; the end of the stream
// is none.
#pragma once

#include <corvid/base/task.hpp>
#include <corvid/consume/pull.hpp>
#include <corvid/message/traits.hpp>

#include <functional>
#include <memory>

namespace corvid {

/// What a stream shares with the group that feeds it.
struct pull_channel {
    pull_handler* from = nullptr;
    scheduler* root = nullptr;
    std::function<void(const pulled_record&)> commit; ///< it, and all before it
};

template <Message T>
class message_stream {
public:
    explicit message_stream(std::shared_ptr<pull_channel> channel) noexcept : channel_(std::move(channel)) {}

    /// The next message; none when the stream has ended. One call at a time.
    [[nodiscard]] task<polled<T>> next() {
        for (;;) {
            if (auto found = channel_->from->try_next()) co_return decode(std::move(*found));
            if (channel_->from->is_closed()) co_return polled<T>{};
            co_await pull_wait(*channel_->from);
        }
    }

    /// The same on a plain thread: none when nothing came within `patience` or the stream has ended.
    /// `patience` 0 only looks.
    [[nodiscard]] polled<T> poll(duration patience) {
        const steady_time until = channel_->root->steady_now() + patience;
        for (;;) {
            if (auto found = channel_->from->try_next()) return decode(std::move(*found));
            if (channel_->from->is_closed() || channel_->root->steady_now() >= until) return {};
            wait(until);
        }
    }

    [[nodiscard]] bool has_ended() const noexcept { return channel_->from->is_closed(); }

private:
    polled<T> decode(pulled_record of) const {
        T message{};
        auto read = decode_record(of.copy->what(), of.copy->its_headers(), message);
        auto commit = std::shared_ptr<const typename polled<T>::commit_function>(channel_, &channel_->commit);
        if (!read) return polled<T>(std::move(of), fail(std::move(read).error()), std::move(commit));
        return polled<T>(std::move(of), std::move(message), std::move(commit));
    }

    void wait(steady_time until) {
        struct wake : work {
            wake() noexcept : work([](work& w) noexcept { static_cast<wake&>(w).awake.set(); }) {}
            signal awake;
        } node;
        channel_->from->when_ready(node);
        if (channel_->root->wait(node.awake, until)) return;
        if (!channel_->from->forget(node)) channel_->root->wait(node.awake, std::nullopt);
    }

    std::shared_ptr<pull_channel> channel_;
};

} // namespace corvid

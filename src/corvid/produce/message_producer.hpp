// SPDX-License-Identifier: Apache-2.0
//
// message_producer: messages on top of a publisher: the verbs of corvid::producer and of a service.
//
//   co_await out.send(f);              resumes on the broker's acknowledgement
//   out.send(f, callback);             or asio::use_future and other tokens with <corvid/asio.hpp>
//   out.post(f);                       fire and forget
//   co_await out.flush();              all that was posted before is acknowledged
//   co_await out.send(topic, key, payload);   bytes
//
// A reference to the publisher, cheap to copy; any thread. Errors of a send: those of send_operation, and
// unserialisable.
#pragma once

#include <corvid/produce/message_send.hpp>

namespace corvid {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define CORVID_NO_TEMPORARIES_IN_CO_AWAIT 1
/// g++ 12 destroys a temporary aggregate inside a co_await expression twice: give the message a name first.
struct gcc_12_destroys_temporaries_in_co_await_twice_so_name_the_message_first {};
#endif

class message_producer {
public:
    explicit message_producer(publisher& by) noexcept : publisher_(&by) {}

    /// The message is serialised before send returns; views in `options` are borrowed until the operation
    /// is awaited or started.
    template <Message T>
    [[nodiscard]] message_send send(const T& message, const send_options& options = {}) {
        return message_send(*publisher_, message, options);
    }
#ifdef CORVID_NO_TEMPORARIES_IN_CO_AWAIT
    template <Message T>
        requires(!std::is_lvalue_reference_v<T>)
    void send(T&& message, const send_options& options = {},
              gcc_12_destroys_temporaries_in_co_await_twice_so_name_the_message_first = {}) = delete;
#endif

    /// `callback(result<delivery>)` runs once, on the delivery loop, or here if the message is refused at
    /// once. Waits for credit as post() does.
    template <Message T, CallbackFor<result<delivery>> F>
    void send(const T& message, F&& callback, const send_options& options = {}) {
        auto topic = publisher_->topic_of<T>();
        detail::encoded_message bytes(message, publisher_->settings().event_ids, options.event_id,
                                      publisher_->root());
        if (!topic) return callback(result<delivery>(fail(std::move(topic).error())));
        if (bytes.unwritable()) return callback(result<delivery>(fail(*bytes.unwritable())));
        publisher_->send(**topic, bytes.key(), bytes.value(), bytes.options(options),
                         std::forward<F>(callback));
    }
    /// Any other completion token: asio::use_future, asio::use_awaitable, … with <corvid/asio.hpp>.
    template <Message T, class Token>
        requires(!CallbackFor<Token, result<delivery>> && !std::convertible_to<Token, const send_options&>)
    auto send(const T& message, Token&& token, const send_options& options = {}) {
        using adapter = token_adapter<std::decay_t<Token>, result<delivery>>;
        return adapter::template initiate<message_send>(std::forward<Token>(token), std::ref(*publisher_),
                                                        message, options);
    }

    /// Fire and forget: serialised and copied before it returns. What fails later is logged, counted, told to
    /// on_failed_post and to flush(). Blocks a plain thread while credit is used up; on a loop it never does.
    template <Message T>
    result<void> post(const T& message, const send_options& options = {}) {
        auto topic = publisher_->topic_of<T>();
        if (!topic) return fail(std::move(topic).error());
        detail::encoded_message bytes(message, publisher_->settings().event_ids, options.event_id,
                                      publisher_->root());
        if (bytes.unwritable()) return fail(*bytes.unwritable());
        return publisher_->post(**topic, bytes.key(), bytes.value(), bytes.options(options));
    }

    /// A record without value for the key: deletes it from a compacted topic.
    template <Message T>
    [[nodiscard]] send_operation send_tombstone(std::string_view key, const send_options& options = {}) {
        return send_operation(*publisher_, publisher_->topic_of<T>(), key, nullptr, options);
    }

    /// Bytes; a null key or value is nullptr. Looks the topic up by name: on a hot path keep topic() and use
    /// that.
    [[nodiscard]] send_operation send(std::string_view topic, optional_bytes key, optional_bytes payload,
                                      const send_options& options = {}) {
        return send_operation(*publisher_, publisher_->topic(topic_name(topic)), key, payload, options);
    }
    [[nodiscard]] send_operation send(published_topic& topic, optional_bytes key, optional_bytes payload,
                                      const send_options& options = {}) {
        return publisher_->send(topic, key, payload, options);
    }
    result<void> post(published_topic& topic, optional_bytes key, optional_bytes payload,
                      const send_options& options = {}) {
        return publisher_->post(topic, key, payload, options);
    }
    [[nodiscard]] result<published_topic*> topic(std::string_view name,
                                                 std::optional<partition_strategy> strategy = {}) {
        return publisher_->topic(topic_name(name), strategy);
    }

    /// Completes when all that was posted before is acknowledged, or with the first error.
    [[nodiscard]] flush_operation flush() noexcept { return publisher_->flush(); }

    [[nodiscard]] publisher& bytes() noexcept { return *publisher_; }

private:
    publisher* publisher_;
};

} // namespace corvid

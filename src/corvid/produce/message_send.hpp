// SPDX-License-Identifier: Apache-2.0
//
// message_send: the operation behind `co_await out.send(message)`: the message is serialised when the
// operation is made, so it may change or go before the operation is awaited. Memory comes from a pool of the
// thread and goes back there when the send has started.
#pragma once

#include <corvid/message/traits.hpp>
#include <corvid/produce/publisher.hpp>
#include <corvid/serde/json/json.hpp>

#include <array>

namespace corvid::detail {

/// A message as bytes: the value, and behind it in the same buffer the key and the event id.
class encoded_message {
public:
    /// `id`: the event's, or empty for the policy's.
    template <Message T>
    encoded_message(const T& message, event_id_policy ids, std::string_view id, scheduler& clock)
        : encoded_message() {
        using traits = message_traits<T>;
        if (auto written = json::encode(message, buffer_); !written) {
            failure_ = located(std::move(written).error(), traits::topic);
            return;
        }
        value_ = buffer_.size();
        if (auto key = traits::key_of(message, scratch())) append_key(*key);
        if constexpr (traits::version > wire::default_version) version_ = version_text<traits::version>;
        if constexpr (traits::has_event_type) type_ = traits::event_type;
        if (!id.empty())
            append_id(id);
        else if (ids == event_id_policy::uuid7 || traits::event_id == event_id_policy::uuid7)
            append_fresh_id(clock);
    }
    ~encoded_message() {
        if (buffer_.capacity() > 0) give_buffer(std::move(buffer_));
    }
    encoded_message(const encoded_message&) = delete;
    encoded_message& operator=(const encoded_message&) = delete;

    [[nodiscard]] const std::optional<error>& unwritable() const noexcept { return failure_; }
    [[nodiscard]] optional_bytes value() const noexcept { return buffer_.text().substr(0, value_); }
    [[nodiscard]] optional_bytes key() const noexcept {
        return has_key_ ? optional_bytes(buffer_.text().substr(value_, key_)) : optional_bytes();
    }
    /// The call's options, with the message's own headers before those that the caller gave. Borrows from
    /// this.
    [[nodiscard]] send_options options(const send_options& given);

protected:
    /// Takes the bytes out of the operation while it starts, in which it copies them and may be over and
    /// gone.
    class bytes_until_sent {
    public:
        explicit bytes_until_sent(encoded_message& of) noexcept : buffer_(std::move(of.buffer_)) {}
        ~bytes_until_sent() { give_buffer(std::move(buffer_)); }
        bytes_until_sent(const bytes_until_sent&) = delete;
        bytes_until_sent& operator=(const bytes_until_sent&) = delete;

    private:
        byte_buffer buffer_;
    };

private:
    template <int Version>
    struct digits {
        static constexpr std::size_t count = [] {
            std::size_t n = 1;
            for (int v = Version; v >= 10; v /= 10)
                ++n;
            return n;
        }();
        static constexpr std::array<char, count> text = [] {
            std::array<char, count> t{};
            int v = Version;
            for (std::size_t i = count; i-- > 0; v /= 10)
                t[i] = static_cast<char>('0' + v % 10);
            return t;
        }();
    };
    template <int Version>
    static constexpr std::string_view version_text{digits<Version>::text.data(), digits<Version>::count};

    encoded_message();
    static void give_buffer(byte_buffer buffer) noexcept;
    static std::string& scratch() noexcept;
    static error located(const error& why, std::string_view topic);
    void append_key(std::string_view key);
    void append_id(std::string_view id);
    void append_fresh_id(scheduler& clock);

    byte_buffer buffer_;
    std::size_t value_ = 0, key_ = 0, id_ = 0;
    bool has_key_ = false;
    std::string_view version_, type_;
    std::optional<error> failure_;
    std::array<header_view, 3> own_{};
    header_list merged_;
};

/// Where a type's records go, resolved once a publisher and type.
[[nodiscard]] std::size_t next_type_index() noexcept;
template <Message T>
[[nodiscard]] std::size_t type_index() noexcept {
    static const std::size_t index = next_type_index();
    return index;
}

} // namespace corvid::detail

namespace corvid {

template <class T>
result<published_topic*> publisher::topic_of() {
    const std::size_t index = detail::type_index<T>();
    if (index < by_type_.size())
        if (auto* known = by_type_[index].load(std::memory_order_acquire)) return known;
    auto found = topic(topic_name(message_traits<T>::topic));
    if (found && index < by_type_.size()) by_type_[index].store(*found, std::memory_order_release);
    return found;
}

class message_send : private detail::encoded_message, public send_operation {
public:
    template <Message T>
    message_send(publisher& by, const T& message, const send_options& given = {})
        : encoded_message(message, by.settings().event_ids, given.event_id, by.root()),
          send_operation(by, unwritable() ? result<published_topic*>(fail(*unwritable())) : by.topic_of<T>(),
                         key(), value(), options(given)) {}

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
        const bytes_until_sent kept(*this);
        return send_operation::await_suspend(waiter);
    }
    [[nodiscard]] bool start() noexcept {
        const bytes_until_sent kept(*this);
        return send_operation::start();
    }
};

} // namespace corvid

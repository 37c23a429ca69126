// SPDX-License-Identifier: Apache-2.0
//
// stop_source, stop_token, stop_callback: a request to end work, with its reason. One source for each thing
// that ends as a whole (a subscription's partition in one epoch), none for each record. It is a request only:
// whoever holds a token decides when to follow it.
//
// Sources and tokens are thread-safe like shared_ptr: distinct objects from any threads, one object from one
// at a time. They differ from std::stop_token by the reason and by callbacks that can be attached late and
// moved on to another token.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace corvid {

enum class stop_reason : std::uint8_t {
    deadline = 1, ///< the work has run out of time
    revoked,      ///< the partition went to another member
    shutdown,     ///< the service ends
};

/// `deadline`, `revoked`, `shutdown`
[[nodiscard]] std::string_view to_string(stop_reason reason) noexcept;

class stop_callback;

namespace detail {
class stop_state;
}

/// Copies share the request. A default one is never asked to stop and costs nothing.
class stop_token {
public:
    stop_token() = default;

    /// One atomic load.
    [[nodiscard]] bool stop_requested() const noexcept { return reason().has_value(); }
    /// Why, once stop was requested; it never changes after.
    [[nodiscard]] std::optional<stop_reason> reason() const noexcept;

    friend bool operator==(const stop_token&, const stop_token&) = default;

private:
    friend class stop_source;
    friend class stop_callback;
    explicit stop_token(std::shared_ptr<detail::stop_state> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<detail::stop_state> state_;
};

class stop_source {
public:
    stop_source();

    /// Runs all attached callbacks on this thread, then returns true. False, and nothing else, if stop was
    /// requested before: the first reason stands.
    bool request(stop_reason reason) const noexcept;

    [[nodiscard]] stop_token token() const noexcept { return stop_token(state_); }
    [[nodiscard]] bool stop_requested() const noexcept { return token().stop_requested(); }

private:
    std::shared_ptr<detail::stop_state> state_;
};

/// A function that runs once when stop is requested. Intrusive: attaching allocates nothing. It is attached
/// to one token at a time and may be attached again after detach().
class stop_callback {
public:
    using function = void (*)(stop_callback&, stop_reason) noexcept;

    explicit stop_callback(function run) noexcept : run_(run) {}
    stop_callback(const stop_callback&) = delete;
    stop_callback& operator=(const stop_callback&) = delete;
    ~stop_callback() { detach(); }

    /// From now on the function runs on the thread that requests stop; right here, before attach() returns,
    /// if stop was requested already. It must be detached. The function may detach or destroy this object.
    void attach(const stop_token& token) noexcept;
    /// After it the function does not run and is not running, save when called by the function itself: a
    /// function that runs on another thread is waited for. Returns at once when not attached.
    void detach() noexcept;
    [[nodiscard]] bool attached() const noexcept { return state_ != nullptr; }

private:
    friend class detail::stop_state;
    function run_;
    stop_callback* next_ = nullptr;
    stop_callback* previous_ = nullptr;
    std::shared_ptr<detail::stop_state> state_;
};

} // namespace corvid

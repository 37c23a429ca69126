// SPDX-License-Identifier: Apache-2.0
//
// producer and consumer: corvid without a service, for tools and scripts.
//
//   corvid::producer out{corvid::settings{.kafka = {.bootstrap = "broker:9092"}}};
//   corvid::consumer<flight_departed> in{settings, {.group = "scan"}};
//   corvid::polled<flight_departed> p = in.poll(100ms);                 // none | message | error
#pragma once

#include <corvid/produce/message_producer.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/service.hpp>

namespace corvid {

namespace detail {
/// Made before message_producer, its sibling base, and gone after it.
struct producer_parts {
    explicit producer_parts(const settings& from, producer_settings how);
    ~producer_parts();
    std::unique_ptr<runtime> running;
    std::unique_ptr<publisher> publishes;
};
} // namespace detail

/// A message_producer with a connection and threads of its own; any thread. Its destruction waits for what is
/// in flight, at most the message timeout.
class producer : private detail::producer_parts, public message_producer {
public:
    /// Throws config_error; connects to nothing yet.
    explicit producer(const settings& from) : producer(from, producer_settings_of(from)) {}
    producer(const settings& from, producer_settings how)
        : producer_parts(from, std::move(how)), message_producer(*publishes) {}

    /// Waits on a plain thread for an operation's task: `out.wait(out_task())`.
    template <class T>
    T wait(task<T> t) {
        return wait_for(running->root(), publishes->delivery_loop(), std::move(t));
    }
    /// Flushes on a plain thread.
    result<void> flush_and_wait();
    result<void> close(std::chrono::milliseconds patience) { return publishes->close(patience); }
};

/// One member of a group that is polled; for one thread.
template <Message T>
class consumer {
public:
    /// Joins the group. Throws config_error.
    explicit consumer(settings from, subscription_options options)
        : service_(without_http(std::move(from))),
          stream_(service_.stream<T>("consumer", std::move(options))) {
        service_.start();
    }
    ~consumer() { close(); }

    [[nodiscard]] polled<T> poll(duration patience) { return stream_.poll(patience); }
    /// Commits and leaves. Idempotent.
    void close() { service_.stop(); }

private:
    static settings without_http(settings from) {
        from.http.listen.clear();
        return from;
    }
    service service_;
    message_stream<T> stream_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// client: one rd_kafka_t, shared by all that came out of it (batches hold messages, and a message that
// outlives its client is a dangling pointer). closing_thread: where clients are destroyed.
//
// rd_kafka_destroy() joins threads and has hung in several releases (reliability.md b1.15), so no loop ever
// calls it: the last owner of a client, on whatever thread, hands it to the closing thread, which the cluster
// waits for with a deadline and gives up on.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/kafka/detail/handles.hpp>

#include <chrono>
#include <memory>
#include <mutex>

namespace corvid::kafka {

class closing_thread : public std::enable_shared_from_this<closing_thread> {
public:
    /// Starts the thread, the first time. Called before a client is adopted, from any thread.
    void start(scheduler& from);
    void adopted() noexcept;
    /// Any thread; returns at once, unless the thread was never started (a cluster that had only an admin).
    void destroy(rd_kafka_t* native) noexcept;
    /// Waits until every adopted client is gone and ends the thread. False: the patience is over (or this is
    /// a loop, which cannot wait), and the thread is left to itself.
    [[nodiscard]] bool finish(std::chrono::milliseconds patience);

    /// The thread's loop, for chores that may block a little.
    [[nodiscard]] scheduler& loop() noexcept { return *loop_; }

private:
    struct grave;
    void gone() noexcept;

    std::mutex mutex_;
    std::unique_ptr<loop_thread> thread_;
    scheduler* loop_ = nullptr;
    std::size_t clients_ = 0;
    signal* idle_ = nullptr; // set when the last client is gone, while finish() waits
};

class client {
public:
    client(rd_kafka_t* native, std::shared_ptr<closing_thread> closing) noexcept;
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    [[nodiscard]] rd_kafka_t* get() const noexcept { return native_; }
    [[nodiscard]] closing_thread& closing() const noexcept { return *closing_; }

private:
    rd_kafka_t* native_;
    std::shared_ptr<closing_thread> closing_;
};

using client_handle = std::shared_ptr<client>;

} // namespace corvid::kafka

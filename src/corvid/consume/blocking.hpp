// SPDX-License-Identifier: Apache-2.0
//
// corvid::blocking: a handler that may block its thread. It runs on a bounded pool, off the loop, several
// keys at once, so it must be safe to call from several threads:
//
//   service.on<order_placed>("invoices", corvid::blocking([&](const order_placed& o) { printer.print(o); }));
//
// blocking_pool: those threads. A run goes to the first that is free, in the order of arrival.
#pragma once

#include <corvid/consume/handler.hpp>

#include <deque>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace corvid {

template <class F>
struct blocking_function {
    F function;
};
template <class F>
[[nodiscard]] blocking_function<std::decay_t<F>> blocking(F&& function) {
    return {std::forward<F>(function)};
}

namespace detail {

template <class F>
F plain_function_of(F&& function) {
    return std::forward<F>(function);
}
template <class F>
F plain_function_of(blocking_function<F>&& given) {
    return std::move(given.function);
}
template <class F>
using plain_function = decltype(plain_function_of(std::declval<F>()));

} // namespace detail

class blocking_pool {
public:
    /// Starts `threads` threads, at least one.
    blocking_pool(scheduler& root, std::size_t threads);
    /// Every run that it was given has ended.
    ~blocking_pool();
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;

    /// `with` works on the run on one of the threads, now or when one is free. Any thread.
    void start(handler& with, run& records) noexcept;

private:
    struct seat : work {
        explicit seat(blocking_pool& p) noexcept;
        blocking_pool& of;
        std::unique_ptr<loop_thread> thread;
    };
    struct job {
        handler* with;
        run* records;
    };
    void serve(seat& by) noexcept;

    std::mutex mutex_;
    std::deque<job> waiting_;
    std::vector<seat*> free_;
    std::vector<std::unique_ptr<seat>> seats_;
};

/// A handler on a pool.
class pooled_handler final : public handler {
public:
    pooled_handler(std::unique_ptr<handler> works, blocking_pool& on) noexcept
        : works_(std::move(works)), pool_(on) {}
    void start(run& records) noexcept override { pool_.start(*works_, records); }
    [[nodiscard]] bool needs_whole_runs() const noexcept override { return works_->needs_whole_runs(); }

private:
    std::unique_ptr<handler> works_;
    blocking_pool& pool_;
};

} // namespace corvid

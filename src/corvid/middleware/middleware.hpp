// SPDX-License-Identifier: Apache-2.0
//
// middleware: what stands around each attempt of a handler. It is given the context and what comes next, and
// says the outcome:
//
//   { .middleware = {[&](corvid::context& ctx, corvid::next_call next) -> corvid::outcome {
//         if (is_paused(ctx.topic())) return corvid::retry("paused");
//         return next();
//     }} }
//
// For plain and blocking handlers it takes next_call and returns an outcome; for coroutines it takes
// next_task and returns a task of one; an object with both overloads serves both. A subscription whose
// handler it does not serve is refused. The first in the list is outermost; all stand within corvid's own
// (tracing, rate limit, bulkhead, breaker, deadline), so what they say counts as the handler's.
//
// next() answers an outcome also where the handler threw; what a middleware throws is an outcome, too. It
// calls next() once or not at all: one attempt is one attempt. The context and `next` live until it returns.
// It is called on the threads of the handler, several keys at once where these are several.
#pragma once

#include <corvid/base/task.hpp>
#include <corvid/model/outcome.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace corvid {

class context;
class middleware;

namespace detail {
/// One attempt on its way through the list to the handler.
struct attempt_path {
    std::span<const middleware> list;
    context& ctx;
    void* handler;
    outcome (*call)(void* handler) noexcept;
    task<outcome> (*call_task)(void* handler);
};
} // namespace detail

/// What comes behind a middleware: the next one, or the handler.
class next_call {
public:
    next_call(const detail::attempt_path& path, std::size_t at) noexcept : path_(&path), at_(at) {}
    [[nodiscard]] outcome operator()() const noexcept;

private:
    const detail::attempt_path* path_;
    std::size_t at_;
};

/// The same for coroutines: `co_return co_await next();`
class next_task {
public:
    next_task(const detail::attempt_path& path, std::size_t at) noexcept : path_(&path), at_(at) {}
    [[nodiscard]] task<outcome> operator()() const;

private:
    const detail::attempt_path* path_;
    std::size_t at_;
};

template <class F>
concept PlainMiddleware = requires(F& f, context& ctx, next_call next) {
    { f(ctx, next) } -> std::same_as<outcome>;
};
template <class F>
concept TaskMiddleware = requires(F& f, context& ctx, next_task next) {
    { f(ctx, next) } -> std::same_as<task<outcome>>;
};

class middleware {
public:
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, middleware>)
    middleware(F function) {
        static_assert(PlainMiddleware<F> || TaskMiddleware<F>,
                      "corvid: a middleware takes (corvid::context&, corvid::next_call) and returns a "
                      "corvid::outcome, or takes (corvid::context&, corvid::next_task) and returns a "
                      "corvid::task<corvid::outcome>; or has both");
        const auto shared = std::make_shared<F>(std::move(function));
        if constexpr (PlainMiddleware<F>)
            plain_ = [shared](context& ctx, next_call next) { return (*shared)(ctx, next); };
        if constexpr (TaskMiddleware<F>)
            task_ = [shared](context& ctx, next_task next) { return (*shared)(ctx, next); };
    }

    [[nodiscard]] bool serves_calls() const noexcept { return plain_ != nullptr; }
    [[nodiscard]] bool serves_tasks() const noexcept { return task_ != nullptr; }

private:
    friend class next_call;
    friend class next_task;
    std::function<outcome(context&, next_call)> plain_;
    std::function<task<outcome>(context&, next_task)> task_;
};

} // namespace corvid

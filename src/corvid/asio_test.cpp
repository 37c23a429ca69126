// SPDX-License-Identifier: Apache-2.0
#include <corvid/asio.hpp>
#include <corvid/base/result.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace corvid {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;

// Empty, so that nobody reads it: ThreadSanitizer does not see how libstdc++ counts who holds an exception.
struct boom {};

// An io_context and its thread.
class running_context {
public:
    running_context() : thread_([this] { context.run(); }) {}
    ~running_context() { join(); }
    void join() {
        work_.reset();
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] bool is_here() { return context.get_executor().running_in_this_thread(); }
    asio::io_context context{1};

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
    std::thread thread_;
};

// A home loop on a thread of its own, as far as tasks need one.
class home_loop final : public scheduler {
public:
    home_loop() {
        asio::post(runs_.context, [this] { enter(this); });
    }
    using scheduler::post;
    void post(work_list&& nodes) noexcept override {
        asio::post(runs_.context, [list = std::move(nodes)]() mutable {
            while (work* node = list.pop())
                node->run(*node);
        });
    }
    void at(steady_time, timer&) override { throw std::logic_error("no timers here"); }
    bool cancel(timer&) noexcept override { return false; }
    void watch(watcher&) override { throw std::logic_error("no descriptors here"); }
    void unwatch(watcher&) noexcept override {}
    void when_writable(watcher&, work&) override {}
    std::unique_ptr<loop_thread> run_thread(std::string, std::function<void(scheduler&)>) override {
        throw std::logic_error("no threads here");
    }
    [[nodiscard]] steady_time steady_now() const noexcept override { return {}; }
    [[nodiscard]] wall_time wall_now() const noexcept override { return {}; }
    bool wait(signal& done, std::optional<steady_time> deadline) override {
        return done.wait_until(deadline.value_or(steady_time::max()));
    }
    void stop() noexcept override { runs_.context.stop(); }
    void join() { runs_.join(); }

private:
    running_context runs_;
};

// Something that is known by its address, as a publisher is.
struct echo_service {
    explicit echo_service(asio::thread_pool& pool) : threads(pool) {}
    echo_service(const echo_service&) = delete;
    echo_service& operator=(const echo_service&) = delete;
    asio::thread_pool& threads;
    std::atomic<int> started{0};
};

// Gives the number on another thread; refuses an odd one at once.
class echo_operation : public operation<echo_operation, result<int>> {
public:
    echo_operation(echo_service& by, int number, std::string_view text = {}) noexcept
        : by_(by), number_(number), text_(text) {}
    [[nodiscard]] bool start() noexcept {
        ++by_.started;
        if (number_ % 2 != 0) return false;
        asio::post(by_.threads, [this] { complete(); });
        return true;
    }
    [[nodiscard]] result<int> take() noexcept {
        if (number_ % 2 != 0) return fail(errc::invalid_argument, {.message = "odd"});
        return number_ + static_cast<int>(text_.size());
    }

private:
    echo_service& by_;
    int number_;
    std::string_view text_;
};

// The shape of publisher::send with a token.
template <class Token>
auto echo(echo_service& by, int number, std::string_view text, Token&& token) {
    using adapter = token_adapter<std::decay_t<Token>, result<int>>;
    return adapter::template initiate<echo_operation>(std::forward<Token>(token), by, number, text);
}

class asio_adapters : public testing::Test {
protected:
    asio::thread_pool threads_{2};
    echo_service service_{threads_};
    running_context asio_;
    home_loop home_;

    // Who posts to a context may still be in there when what it posted has run: all end before one goes.
    void end_threads() {
        threads_.join();
        asio_.join();
        home_.join();
    }
    void TearDown() override { end_threads(); }

    template <class T>
    T run(task<T> t) {
        return wait_for(home_, home_, std::move(t));
    }
    template <class T>
    T run(asio::awaitable<T> a) {
        return asio::co_spawn(asio_.context, std::move(a), asio::use_future).get();
    }
};

TEST_F(asio_adapters, a_future_gets_the_result_or_the_refusal_as_a_value) {
    EXPECT_EQ(echo(service_, 2, "abc", asio::use_future).get(), 5);
    auto refused = echo(service_, 3, "", asio::use_future).get();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), errc::invalid_argument);
    EXPECT_EQ(async<echo_operation>(asio::use_future, service_, 4).get(), 4);
}

TEST_F(asio_adapters, an_operation_is_started_by_the_call_when_the_token_starts_at_once) {
    auto future = echo(service_, 1, "", asio::use_future);
    EXPECT_EQ(service_.started, 1);
    EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(asio_adapters, a_coroutine_of_asio_goes_on_on_its_executor) {
    auto body = [](echo_service& by, running_context& on) -> asio::awaitable<int> {
        int wrong = 0;
        for (int number = 0; number < 200; ++number) {
            result<int> answer = co_await echo(by, number, "", asio::use_awaitable);
            wrong += !on.is_here() || answer.has_value() != (number % 2 == 0);
        }
        co_return wrong;
    };
    EXPECT_EQ(run(body(service_, asio_)), 0);
    EXPECT_EQ(service_.started, 200);
}

TEST_F(asio_adapters, a_handler_runs_on_its_executor_and_never_within_the_call) {
    auto strand = asio::make_strand(asio_.context);
    for (int number : {6, 7}) {
        std::promise<bool> ran;
        asio::post(strand, [&] {
            auto returned = std::make_shared<bool>(false);
            echo(service_, number, "", asio::bind_executor(strand, [&, returned](result<int>) {
                     ran.set_value(*returned && strand.running_in_this_thread());
                 }));
            *returned = true;
        });
        EXPECT_TRUE(ran.get_future().get()) << number;
    }
}

TEST_F(asio_adapters, a_handler_may_be_movable_only) {
    std::promise<int> seen;
    auto handler = [&seen, ten = std::make_unique<int>(10)](result<int> r) { seen.set_value(*r + *ten); };
    echo(service_, 2, "", asio::bind_executor(asio_.context, std::move(handler)));
    EXPECT_EQ(seen.get_future().get(), 12);
}

TEST_F(asio_adapters, a_handler_without_executor_runs_where_the_operation_completes) {
    std::thread::id here{};
    auto handler = [&here](const result<int>&) { here = std::this_thread::get_id(); };
    echo(service_, 1, "", handler);
    EXPECT_EQ(here, std::this_thread::get_id());
}

TEST_F(asio_adapters, the_executor_has_work_until_the_handler_has_run) {
    asio::io_context context;
    bool ran = false;
    auto handler = [&ran](const result<int>&) { ran = true; };
    echo(service_, 2, "", asio::bind_executor(context, handler));
    context.run();
    EXPECT_TRUE(ran);
    end_threads();
}

TEST_F(asio_adapters, a_deferred_operation_starts_when_it_is_invoked_and_keeps_its_arguments) {
    auto later = [](echo_service& by) { return echo(by, 40, "ab", asio::deferred); }(service_);
    EXPECT_EQ(service_.started, 0);
    EXPECT_EQ(std::move(later)(asio::use_future).get(), 42);
}

TEST_F(asio_adapters, an_adapted_token_is_a_token) {
    auto body = [](echo_service& by) -> asio::awaitable<int> {
        auto [answer] = co_await echo(by, 8, "", asio::as_tuple(asio::use_awaitable));
        co_return *answer;
    };
    EXPECT_EQ(run(body(service_)), 8);
}

TEST_F(asio_adapters, an_operation_that_fails_with_an_exception_throws_it_into_the_coroutine) {
    task_scope scope;
    scope.spawn(home_, []() -> task<void> {
        throw boom{};
        co_return;
    }());
    auto joins = [](task_scope& of) -> asio::awaitable<std::string> {
        try {
            co_await async<task_scope::join_operation>(asio::use_awaitable, of);
        } catch (const boom&) {
            co_return "boom";
        }
        co_return "nothing was thrown";
    };
    EXPECT_EQ(run(joins(scope)), "boom");
}

TEST_F(asio_adapters, a_task_awaits_asio_and_goes_on_at_home) {
    stream_protocol::socket ours(asio_.context), theirs(asio_.context);
    asio::local::connect_pair(ours, theirs);
    auto body = [](stream_protocol::socket& out, stream_protocol::socket& in, scheduler& home) -> task<int> {
        std::array<char, 4> buffer{};
        int good = 0;
        for (int i = 0; i < 100; ++i) {
            auto [failed, written] = co_await asio::async_write(out, asio::buffer("abcd", 4), use_task);
            auto [ec, read] = co_await asio::async_read(in, asio::buffer(buffer), use_task);
            good += !failed && !ec && written == 4 && read == 4 && scheduler::current() == &home;
        }
        out.close();
        auto [ec, n] = co_await in.async_read_some(asio::buffer(buffer), use_task);
        co_return ec == asio::error::eof&& n == 0 ? good : -1;
    };
    EXPECT_EQ(run(body(ours, theirs, home_)), 100);
}

TEST_F(asio_adapters, a_task_gets_nothing_one_value_or_a_tuple) {
    auto post_only = [](asio::io_context& context, scheduler& home) -> task<bool> {
        co_await asio::post(context, use_task);
        co_return scheduler::current() == &home;
    };
    EXPECT_TRUE(run(post_only(asio_.context, home_)));
    auto one = [](stream_protocol::socket& s) -> task<boost::system::error_code> {
        co_return co_await s.async_wait(stream_protocol::socket::wait_write, use_task);
    };
    stream_protocol::socket unopened(asio_.context);
    EXPECT_EQ(run(one(unopened)), asio::error::bad_descriptor);
}

TEST_F(asio_adapters, what_an_initiation_throws_leaves_the_co_await) {
    auto body = []() -> task<std::string> {
        auto initiation = [](auto&&) { throw std::runtime_error("not today"); };
        try {
            co_await asio::async_initiate<const use_task_t, void(int)>(initiation, use_task);
        } catch (const std::runtime_error& e) {
            co_return e.what();
        }
        co_return "nothing was thrown";
    };
    EXPECT_EQ(run(body()), "not today");
}

asio::awaitable<std::string> say(running_context& on, bool fails) {
    co_await asio::post(asio::use_awaitable);
    if (fails) throw boom{};
    co_return on.is_here() ? "on its executor" : "elsewhere";
}

TEST_F(asio_adapters, a_task_awaits_a_coroutine_of_asio_with_its_exceptions) {
    auto body = [](running_context& on, scheduler& home, bool fails) -> task<std::string> {
        auto executor = on.context.get_executor();
        std::string said;
        try {
            said = co_await from_awaitable(executor, say(on, fails));
        } catch (const boom&) {
            said = "boom";
        }
        co_return said + (scheduler::current() == &home ? ", home again" : ", lost");
    };
    EXPECT_EQ(run(body(asio_, home_, false)), "on its executor, home again");
    EXPECT_EQ(run(body(asio_, home_, true)), "boom, home again");
}

task<std::unique_ptr<int>> lookup(scheduler& home, bool fails) {
    if (fails) throw boom{};
    co_return std::make_unique<int>(scheduler::current() == &home ? 1 : 0);
}

TEST_F(asio_adapters, a_coroutine_of_asio_awaits_a_task_with_its_exceptions) {
    auto body = [](running_context& on, scheduler& home, bool fails) -> asio::awaitable<std::string> {
        std::string got;
        try {
            auto value = co_await to_awaitable(home, lookup(home, fails));
            got = *value == 1 ? "at home" : "elsewhere";
        } catch (const boom&) {
            got = "boom";
        }
        co_return got + (on.is_here() ? ", back" : ", lost");
    };
    EXPECT_EQ(run(body(asio_, home_, false)), "at home, back");
    EXPECT_EQ(run(body(asio_, home_, true)), "boom, back");
}

TEST_F(asio_adapters, a_task_without_value_is_awaitable_and_does_not_run_before) {
    bool ran = false;
    auto marks = [](bool& flag) -> task<void> {
        flag = true;
        co_return;
    };
    { auto never = to_awaitable(home_, marks(ran)); }
    EXPECT_FALSE(ran);
    run(to_awaitable(home_, marks(ran)));
    EXPECT_TRUE(ran);
}

} // namespace
} // namespace corvid

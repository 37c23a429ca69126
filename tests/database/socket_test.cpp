// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/sleep.hpp>
#include <corvid/base/task.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/service/threaded_scheduler.hpp>
#include <corvid/store/detail/socket.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

/// A descriptor that can be read and written at once, and what is told of it while nobody is at work.
class connected_socket {
public:
    explicit connected_socket(scheduler& loop) : loop_(loop) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
        EXPECT_EQ(::write(ends_[1], "x", 1), 1);
        socket_.attach(ends_[0]);
    }
    ~connected_socket() {
        socket_.detach();
        for (const int end : ends_)
            ::close(end);
    }

    task<int> idle_calls_within(store::detail::socket::direction what) {
        socket_.set_deadline(loop_.steady_now() + 60s);
        for (int i = 0; i < 100; ++i) {
            const bool in_time = co_await socket_.ready(what);
            EXPECT_TRUE(in_time);
        }
        const int seen = idle_;
        socket_.clear_deadline();
        co_return seen;
    }
    task<void> comes_to_idle() {
        while (idle_ == 0)
            co_await sleep(1ms);
    }

private:
    scheduler& loop_;
    std::array<int, 2> ends_{};
    int idle_ = 0;
    store::detail::socket socket_{
        loop_, [](void* self) noexcept { ++static_cast<connected_socket*>(self)->idle_; }, this};
};

/// Keeps its loop from sleeping: one that is busy looks at all its descriptors between two runs of nodes.
struct busy : work {
    explicit busy(scheduler& l) noexcept
        : work([](work& w) noexcept {
              auto& self = static_cast<busy&>(w);
              if (!self.over) self.loop.post(self);
          }),
          loop(l) {
        loop.post(*this);
    }
    scheduler& loop;
    bool over = false;
};

// Both directions become ready in one turn: the first wakes who waits, the second must not call it idle
// before who was woken has run, or a session drops the connection under its own hands.
TEST(socket, that_somebody_works_with_is_never_idle) {
    threaded_scheduler root;
    const auto thread = root.run_thread("test", [](scheduler&) {});
    struct steps {
        static task<void> run(scheduler& loop) {
            connected_socket one(loop);
            busy other_work(loop);
            using enum store::detail::socket::direction;
            for (const auto what : {write, both, read}) {
                const int idle = co_await one.idle_calls_within(what);
                EXPECT_EQ(idle, 0);
            }
            co_await one.comes_to_idle();
            other_work.over = true;
            co_await sleep(1ms); // its node is out of the loop then
        }
    };
    wait_for(root, thread->loop(), steps::run(thread->loop()));
}

} // namespace
} // namespace corvid::test

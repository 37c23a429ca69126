// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/running_loop_test.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace corvid {
namespace {

using namespace std::chrono_literals;

// Counts the bytes of a pipe until it is unwatched.
class watched_pipe : public testing::Test {
protected:
    struct counter : watcher {
        explicit counter(int descriptor)
            : watcher(descriptor, [](work& w) noexcept { static_cast<counter&>(w).drain(); }) {}
        void drain() {
            std::array<char, 16> buffer{};
            for (ssize_t n = 0; (n = read(fd, buffer.data(), buffer.size())) > 0;)
                bytes += static_cast<int>(n);
            if (leave_at && bytes >= leave_at) scheduler::current()->unwatch(*this);
            if (wanted && bytes >= wanted) reached.set();
        }
        int bytes = 0, wanted = 0, leave_at = 0;
        signal reached;
    };

public:
    watched_pipe() {
        if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    }
    ~watched_pipe() override {
        close(ends_[0]);
        close(ends_[1]);
    }

protected:
    void put(int n) { EXPECT_EQ(write(ends_[1], "0123456789", static_cast<std::size_t>(n)), n); }

    std::array<int, 2> ends_{};
    running_loop world_;
};

TEST_F(watched_pipe, is_reported_each_time_it_becomes_readable) {
    counter node(ends_[0]);
    put(3); // before the watch as well as during it
    node.wanted = 3 + 1000;
    world_.call([&] { world_.loop().watch(node); });
    for (int i = 0; i < 1000; ++i)
        put(1);
    EXPECT_TRUE(world_.root.wait(node.reached, std::nullopt));
    world_.call([&] { world_.loop().unwatch(node); });
    EXPECT_EQ(node.bytes, 1003);
}

// Who is told of bytes may leave them there for now: the loop goes on with what is posted to it.
TEST_F(watched_pipe, that_stays_readable_does_not_hold_the_loop) {
    struct idle final : watcher {
        explicit idle(int descriptor) : watcher(descriptor, [](work&) noexcept {}) {}
    } node(ends_[0]);
    struct rounds final : work {
        rounds() : work([](work& w) noexcept { static_cast<rounds&>(w).go_on(); }) {}
        void go_on() {
            if (--left == 0)
                over.set();
            else
                scheduler::current()->post(*this);
        }
        int left = 100'000;
        signal over;
    } works;
    put(1);
    world_.call([&] {
        world_.loop().watch(node);
        world_.loop().post(works);
    });
    EXPECT_TRUE(world_.root.wait(works.over, world_.root.steady_now() + 60s));
    world_.call([&] { world_.loop().unwatch(node); });
}

TEST_F(watched_pipe, stays_open_after_unwatch_and_can_be_watched_again) {
    counter first(ends_[0]), second(ends_[0]);
    first.leave_at = first.wanted = 1;
    world_.call([&] { world_.loop().watch(first); });
    put(1);
    EXPECT_TRUE(world_.root.wait(first.reached, std::nullopt));
    put(5);
    world_.call([&] { world_.loop().unwatch(first); }); // once more: nothing happens
    EXPECT_EQ(first.bytes, 1);
    second.wanted = 5;
    world_.call([&] { world_.loop().watch(second); });
    EXPECT_TRUE(world_.root.wait(second.reached, std::nullopt));
    world_.thread.reset();
    EXPECT_NE(fcntl(ends_[0], F_GETFD), -1);
}

TEST_F(watched_pipe, what_a_node_leaves_unread_makes_it_run_again) {
    struct sipper : watcher {
        explicit sipper(int descriptor)
            : watcher(descriptor, [](work& w) noexcept { static_cast<sipper&>(w).sip(); }) {}
        void sip() {
            char byte = 0;
            if (read(fd, &byte, 1) == 1 && ++bytes == 10) all.set();
        }
        int bytes = 0;
        signal all;
    } node(ends_[0]);
    world_.call([&] { world_.loop().watch(node); });
    put(10);
    EXPECT_TRUE(world_.root.wait(node.all, world_.root.steady_now() + 60s));
    world_.thread.reset();
}

TEST(descriptors, a_full_descriptor_is_reported_once_when_it_takes_bytes_again_and_not_after_unwatch) {
    running_loop world;
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    const std::vector<char> block(std::size_t{64} * 1024);
    watcher mine(ends[0], [](work&) noexcept {});
    int runs = 0;
    signal ran;
    node writable([&] {
        ++runs;
        ran.set();
    });
    world.call([&] {
        EXPECT_THROW(world.loop().when_writable(mine, writable), std::logic_error);
        world.loop().watch(mine);
        while (write(ends[0], block.data(), block.size()) > 0) {}
        world.loop().when_writable(mine, writable);
    });
    EXPECT_FALSE(ran.is_set());
    std::vector<char> taken(block.size());
    while (read(ends[1], taken.data(), taken.size()) > 0) {}
    EXPECT_TRUE(world.root.wait(ran, world.root.steady_now() + 60s));
    world.call([&] {
        world.loop().when_writable(mine, writable);
        world.loop().unwatch(mine);
    });
    world.call([] {});
    world.thread.reset();
    EXPECT_EQ(runs, 1);
    close(ends[0]);
    close(ends[1]);
}

TEST_F(watched_pipe, an_unwatched_node_may_be_destroyed_at_once) {
    for (int i = 0; i < 100; ++i) {
        auto node = std::make_unique<counter>(ends_[0]);
        put(1);
        world_.call([&] {
            world_.loop().watch(*node);
            world_.loop().unwatch(*node);
            node.reset();
        });
    }
}

TEST(descriptors, a_number_that_is_no_descriptor_is_refused) {
    running_loop world;
    watcher none(-1, [](work&) noexcept {});
    world.call([&] { EXPECT_THROW(world.loop().watch(none), std::system_error); });
}

} // namespace
} // namespace corvid

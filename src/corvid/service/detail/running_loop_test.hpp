// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

namespace corvid {

struct node : timer {
    explicit node(std::function<void()> f = [] {})
        : timer([](work& self) noexcept { static_cast<node&>(self).call(); }), call(std::move(f)) {}
    std::function<void()> call;
};

// A loop of its own thread that is up.
struct running_loop {
    explicit running_loop(std::function<void(scheduler&)> start = [](scheduler&) {}) {
        thread = root.run_thread("test", std::move(start));
    }
    // Runs `f` on the loop and waits for it; then all that was posted before has run.
    void call(std::function<void()> f) {
        signal done;
        node once([&] {
            f();
            done.set();
        });
        loop().post(once);
        ASSERT_TRUE(root.wait(done, std::nullopt));
    }
    scheduler& loop() { return thread->loop(); }
    threaded_scheduler root;
    std::unique_ptr<loop_thread> thread;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

namespace {

struct call : work {
    explicit call(std::function<void()> f) : work(&call::go), body(std::move(f)) {}
    static void go(work& self) noexcept {
        auto& me = static_cast<call&>(self);
        me.body();
        me.over.set();
    }
    std::function<void()> body;
    signal over;
};

}  // namespace

void run_on(broker_under_test& under, scheduler& loop, std::function<void()> body) {
    auto node = std::make_unique<call>(std::move(body));
    loop.post(*node);
    if (!under.root().wait(node->over, under.root().steady_now() + under.patience())) {
        (void)node.release();  // the loop may still run it
        throw std::runtime_error("a loop did not run what was posted to it");
    }
}

bool eventually(broker_under_test& under, scheduler& loop, const std::function<bool()>& holds) {
    const steady_time limit = under.root().steady_now() + under.patience();
    for (bool held = false;; let_pass(under, std::chrono::milliseconds(2))) {
        run_on(under, loop, [&] { held = holds(); });
        if (held || under.root().steady_now() >= limit) return held;
    }
}

void let_pass(broker_under_test& under, duration span) {
    signal never;
    (void)under.root().wait(never, under.root().steady_now() + span);
}

}  // namespace corvid::conformance

// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/middleware/middleware.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace corvid {

class context { // of this test's own: a middleware only hands it on
public:
    std::string seen;
};

namespace {

using namespace std::chrono_literals;

struct both_ways {
    std::string name;
    outcome operator()(context& ctx, next_call next) const {
        ctx.seen += name;
        outcome what = next();
        ctx.seen += '/' + name;
        return what;
    }
    task<outcome> operator()(context& ctx, next_task next) const {
        ctx.seen += name;
        co_await sleep(1ms);
        outcome what = co_await next();
        ctx.seen += '/' + name;
        co_return what;
    }
};

struct handler_under_test {
    context& ctx;
    verdict says = verdict::done;
    static outcome call(void* self) noexcept {
        auto& h = *static_cast<handler_under_test*>(self);
        h.ctx.seen += '!';
        return h.says;
    }
    static task<outcome> call_task(void* self) {
        co_await sleep(1ms);
        co_return call(self);
    }
};

struct middleware_test : testing::Test {
    context ctx;
    handler_under_test handler{ctx};
    simulation sim{5};

    outcome called(const std::vector<middleware>& list) {
        const detail::attempt_path path{list, ctx, &handler, &handler_under_test::call, nullptr};
        return next_call(path, 0)();
    }
    outcome awaited(const std::vector<middleware>& list) {
        const detail::attempt_path path{list, ctx, &handler, nullptr, &handler_under_test::call_task};
        return wait_for(sim, sim, next_task(path, 0)());
    }
};

TEST_F(middleware_test, the_first_is_outermost_for_calls_and_for_tasks) {
    const std::vector<middleware> list{both_ways{"a"}, both_ways{"b"}};
    EXPECT_EQ(called(list), verdict::done);
    EXPECT_EQ(ctx.seen, "ab!/b/a");
    ctx.seen.clear();
    EXPECT_EQ(awaited(list), verdict::done);
    EXPECT_EQ(ctx.seen, "ab!/b/a");
}

TEST_F(middleware_test, one_may_answer_for_the_handler_and_change_what_it_says) {
    const std::vector<middleware> shut{[](context&, next_call) -> outcome { return retry("paused"); }};
    EXPECT_EQ(called(shut), verdict::retry);
    EXPECT_EQ(ctx.seen, "");
    handler.says = verdict::dead_letter;
    const std::vector<middleware> mild{[](context&, next_call next) -> outcome {
        return next() == verdict::dead_letter ? outcome(verdict::skip) : outcome(verdict::stop);
    }};
    EXPECT_EQ(called(mild), verdict::skip);
}

TEST_F(middleware_test, what_one_throws_is_an_outcome_to_those_around_it) {
    const middleware broken = [](context&, next_call) -> outcome { throw rejected("no"); };
    const middleware broken_task = [](context&, next_task next) -> task<outcome> {
        (void)co_await next();
        throw rejected("no");
    };
    const middleware no_coroutine = [](context&, next_task) -> task<outcome> { throw rejected("no"); };
    EXPECT_EQ(called({both_ways{"a"}, broken}), verdict::dead_letter);
    EXPECT_EQ(ctx.seen, "a/a");
    EXPECT_EQ(awaited({both_ways{"b"}, broken_task}), verdict::dead_letter);
    EXPECT_EQ(ctx.seen, "a/ab!/b");
    EXPECT_EQ(awaited({no_coroutine}), verdict::dead_letter);
}

TEST_F(middleware_test, one_says_which_handlers_it_serves) {
    const middleware plain = [](context&, next_call next) -> outcome { return next(); };
    const middleware awaits = [](context&, next_task next) -> task<outcome> { return next(); };
    const middleware either = [](context&, auto next) { return next(); };
    EXPECT_TRUE(plain.serves_calls() && !plain.serves_tasks());
    EXPECT_TRUE(!awaits.serves_calls() && awaits.serves_tasks());
    EXPECT_TRUE(either.serves_calls() && either.serves_tasks());
}

} // namespace
} // namespace corvid

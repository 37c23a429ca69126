// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <atomic>
#include <random>
#include <tuple>

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

} // namespace

void run_on(broker_under_test& under, scheduler& loop, std::function<void()> body) {
    auto node = std::make_unique<call>(std::move(body));
    loop.post(*node);
    if (!under.root().wait(node->over, under.root().steady_now() + under.patience())) {
        std::ignore = node.release(); // the loop may still run it
        throw std::runtime_error("a loop did not run what was posted to it");
    }
}

void let_pass(broker_under_test& under, duration span) {
    signal never;
    (void)under.root().wait(never, under.root().steady_now() + span);
}

bool eventually(broker_under_test& under, const std::function<bool()>& holds) {
    const steady_time limit = under.root().steady_now() + under.patience();
    for (;; let_pass(under, 2ms)) {
        if (holds()) return true;
        if (under.root().steady_now() >= limit) return false;
    }
}

std::vector<std::string> numbers(int from, int count) {
    std::vector<std::string> all;
    for (int i = from; i < from + count; ++i)
        all.push_back(std::to_string(i));
    return all;
}

std::optional<errc> code_of(const broker::committed_offset& one) {
    return one.failure ? std::optional(one.failure->code()) : std::nullopt;
}

// Tests of one run may share a real broker with those of another.
std::string with_broker::fresh(const std::string& word) {
    static const std::uint32_t run = std::random_device{}();
    static std::atomic<int> count{0};
    return word + "-" + std::to_string(run) + "-" + std::to_string(++count);
}

topic_name with_broker::make_topic(std::int32_t partitions, std::map<std::string, std::string> config) {
    topic_name name(fresh("conformance.topic"));
    const auto made = open_admin()->create_topic(
        {.name = name, .partitions = partitions, .config = std::move(config)}, 30s);
    if (!made) throw std::runtime_error("cannot create " + name.str() + ": " + made.error().describe());
    return name;
}

std::unique_ptr<producer> with_broker::open_producer(broker::sink_settings settings) {
    return std::make_unique<producer>(under(), std::move(settings));
}

broker::source_settings with_broker::reading(const std::string& group, std::vector<topic_name> topics) {
    const auto shortest = under().shortest_session();
    return {.group = group,
            .topics = std::move(topics),
            .session_timeout = shortest,
            .max_poll_interval = 10 * shortest};
}

std::unique_ptr<group_reader> with_broker::open_reader(broker::source_settings settings,
                                                       member_habits habits) {
    return std::make_unique<group_reader>(under(), std::move(settings), habits);
}

} // namespace corvid::conformance

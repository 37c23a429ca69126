// SPDX-License-Identifier: Apache-2.0
#include "workbench.hpp"

#include "witness.hpp"
#include <corvid/consume/typed_handler.hpp>
#include <corvid/message/message.hpp>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <stdexcept>

namespace sample {
struct reading {
    int n = 0;
    std::string note;
};
CORVID_MESSAGE(reading, (n, note), .topic = "test.bad.reading");
} // namespace sample

namespace corvid::faults {

workbench::workbench(std::string bootstrap)
    : bootstrap_(bootstrap.empty() ? shared_or_own() : std::move(bootstrap)),
      cluster_({.bootstrap = bootstrap_}),
      group_("bad-input-" + unique()) {}

std::string workbench::shared_or_own() {
    if (const char* shared = std::getenv("CORVID_TEST_KAFKA")) return shared;
    return own_.emplace().bootstrap();
}

std::string workbench::unique() {
    return std::to_string(std::random_device()()) + "-" + std::to_string(made_++);
}

topic_name workbench::make_topic(std::int32_t partitions, std::map<std::string, std::string> config) {
    topic_name name("test.bad.topic-" + unique());
    make_topic(name, partitions, std::move(config));
    return name;
}

void workbench::make_topic(const topic_name& name, std::int32_t partitions,
                           std::map<std::string, std::string> config) {
    const auto made = cluster_.open_admin()->create_topic(
        {.name = name, .partitions = partitions, .replication = 1, .config = std::move(config)}, 20s);
    if (!made) throw std::runtime_error(made.error().describe());
}

logger workbench::make_logger() {
    return logger({.burst = 0, .output = [this](std::string_view line) {
                       const std::lock_guard lock(mutex_);
                       lines_.emplace_back(line);
                   }});
}

std::unique_ptr<publisher> workbench::make_publisher(producer_settings settings) {
    return std::make_unique<publisher>(cluster_, root_, std::move(settings), make_logger());
}

result<delivery> workbench::send(publisher& by, const topic_name& to, std::string_view value) {
    return send_together(by, to, {std::string(value)}).front();
}

std::vector<result<delivery>> workbench::send_together(publisher& by, const topic_name& to,
                                                       const std::vector<std::string>& values) {
    struct gathering {
        std::mutex mutex;
        std::vector<result<delivery>> answers;
        std::size_t left;
        signal all;
    };
    gathering in{{}, {}, values.size(), {}};
    for (std::size_t i = 0; i < values.size(); ++i)
        in.answers.emplace_back(fail(errc::timed_out, {.message = "the test was never answered"}));
    auto topic = by.topic(to);
    if (!topic) throw std::runtime_error(topic.error().describe());
    for (std::size_t i = 0; i < values.size(); ++i)
        by.send(**topic, nullptr, std::string_view(values[i]), {.partition = partition_id(0)},
                [&in, i](result<delivery> answer) {
                    const std::lock_guard lock(in.mutex);
                    in.answers[i] = std::move(answer);
                    if (--in.left == 0) in.all.set();
                });
    if (!root_.wait(in.all, now() + 150s)) throw std::runtime_error("a send was not answered");
    const std::lock_guard lock(in.mutex);
    return std::move(in.answers);
}

std::unique_ptr<group_loop> workbench::join(const std::vector<topic_name>& topics, failure_settings failure) {
    const auto keep = [this](const sample::reading& message) {
        const std::lock_guard lock(mutex_);
        handled_.push_back(message.n);
    };
    std::vector<subscription> subscriptions(1);
    subscriptions[0].name = "keep";
    subscriptions[0].topics = topics;
    subscriptions[0].failure = failure;
    subscriptions[0].handle = std::make_unique<typed_handler<sample::reading, decltype(keep)>>(keep, scope_);
    group_settings settings;
    settings.source.group = group_;
    settings.source.properties = {{"topic.metadata.refresh.interval.ms", "1000"}};
    auto loop = std::make_unique<group_loop>(cluster_, root_, settings, std::move(subscriptions),
                                             make_logger(), nullptr);
    loop->start();
    return loop;
}

bool workbench::stop(group_loop& loop) {
    loop.stop(10s, 5s);
    return root_.wait(loop.ended(), now() + 20s) && loop.how_it_ended() == loop_end::clean;
}

std::vector<int> workbench::handled() const {
    const std::lock_guard lock(mutex_);
    return handled_;
}

std::int64_t workbench::committed_of(const topic_name& topic) const {
    const std::string bare = bootstrap_.starts_with("kafka://") ? bootstrap_.substr(8) : bootstrap_;
    const auto all = witness(bare, topic.str(), 1, group_).commits(10s);
    return all && !all->empty() ? all->front().next : -1;
}

bool workbench::logged(std::initializer_list<std::string_view> all) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(lines_, [&](const std::string& line) {
        return std::ranges::all_of(all,
                                   [&](std::string_view one) { return line.find(one) != std::string::npos; });
    });
}

std::string workbench::lines() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_)
        all += line.substr(0, 600) + '\n';
    return all;
}

bool workbench::eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    const steady_time deadline = now() + patience;
    while (!holds()) {
        if (now() > deadline) return false;
        let_pass(20ms);
    }
    return true;
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// Records that kill the process, on a real Kafka: each life is a child process, and two records make it die
// of SIGSEGV. This process starts no thread, so that it may fork.
#include "real_kafka.hpp"
#include <corvid/consume/detail/transfers.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>

namespace corvid {
namespace {

using namespace std::chrono_literals;

constexpr int records = 3'000;
constexpr std::int32_t partitions = 2;
const std::set<std::string> killers = {"700", "1901"};

/// How a child that does `work` ends: its exit code, or 128 and the signal.
int fate_of(const std::function<int()>& work) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        int code = 99;
        try {
            code = work();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "child: %s\n", e.what());
        }
        _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Writes the value of each record into a file that all lives share, and dies at a killer.
class mortal final : public handler {
public:
    mortal(const std::filesystem::path& file, bool with_headers)
        : file_(file, std::ios::app), with_headers_(with_headers) {}
    void start(run& all) noexcept override {
        while (all.has_next()) {
            const std::string value(all.current().value.text());
            if (with_headers_) {
                const auto of = all.headers();
                file_ << value << ' ' << find_header(of, wire::error_type).value_or("?") << ' '
                      << find_header(of, wire::dlq_delivery_count).value_or("?") << std::endl;
            } else {
                if (killers.contains(value)) std::raise(SIGSEGV);
                file_ << value << std::endl;
            }
            all.complete(done);
        }
        all.end();
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return true; }

private:
    std::ofstream file_;
    bool with_headers_;
};

class fatal_records : public testing::Test {
public:
    fatal_records()
        : id(std::to_string(std::random_device()())),
          topic("test.crash.shot-" + id),
          dead(dead_letter_topic(topic, "crash")),
          work(std::filesystem::temp_directory_path() / ("corvid-crash-" + id)),
          letters(work.string() + "-letters") {}
    ~fatal_records() override {
        std::filesystem::remove(work);
        std::filesystem::remove(letters);
    }

    int prepare() const {
        threaded_scheduler root;
        kafka::cluster cluster({.bootstrap = real_kafka()});
        for (const topic_name& name : {topic, dead})
            if (auto made = cluster.open_admin()->create_topic({.name = name, .partitions = partitions}, 30s);
                !made)
                throw std::runtime_error(made.error().describe());
        publisher out(cluster, root, {});
        auto to = out.topic(topic);
        std::atomic<int> left = records;
        for (int i = 0; i < records; ++i)
            out.send(**to, nullptr, std::string_view(std::to_string(i)),
                     {.partition = partition_id(i % partitions)},
                     [&](const result<delivery>& answer) { left -= answer ? 1 : 0; });
        signal never;
        for (int i = 0; left > 0 && i < 300; ++i)
            (void)root.wait(never, root.steady_now() + 100ms);
        (void)out.close(5s);
        return left > 0 ? 1 : 0;
    }

    /// Ends with 0 once `enough` says so, at the latest after two minutes.
    int live(const std::string& group, const topic_name& from, const std::filesystem::path& into,
             const std::function<bool(duration)>& enough) const {
        threaded_scheduler root;
        kafka::cluster cluster({.bootstrap = real_kafka()});
        publisher out(cluster, root, {});
        std::vector<subscription> all(1);
        auto handle = std::make_unique<mortal>(into, from == dead);
        all[0].name = "crash";
        all[0].topics = {from};
        all[0].failure.rejected = when_rejected::dead_letters;
        all[0].handle = std::move(handle);
        group_settings settings{.source = {.group = group, .instance_id = "the-only-one"}, .producer = &out};
        group_loop loop(cluster, root, settings, std::move(all), default_logger(), nullptr);
        loop.start();
        (void)root.wait(loop.was_assigned(), root.steady_now() + 60s);
        signal never;
        for (const steady_time began = root.steady_now(); !enough(root.steady_now() - began);)
            if (root.wait(never, root.steady_now() + 100ms); root.steady_now() - began > 2min) return 3;
        loop.stop(20s, 5s);
        const bool ended = root.wait(loop.ended(), root.steady_now() + 40s);
        return ended && loop.how_it_ended() == loop_end::clean ? 0 : 3;
    }

    static std::size_t different_in(const std::filesystem::path& file) {
        const auto all = lines_of(file);
        return std::set(all.begin(), all.end()).size();
    }

    static std::multiset<std::string> lines_of(const std::filesystem::path& file) {
        std::ifstream in(file);
        std::multiset<std::string> all;
        for (std::string line; std::getline(in, line);)
            all.insert(line);
        return all;
    }

    std::string id;
    topic_name topic, dead;
    std::filesystem::path work, letters;
};

TEST_F(fatal_records, are_in_the_dead_letters_and_all_others_are_handled) {
    ASSERT_EQ(fate_of([&] { return prepare(); }), 0);
    int deaths = 0;
    const std::size_t healthy = records - killers.size();
    const auto next = [&] {
        const auto all = [&](duration) { return different_in(work) == healthy; };
        return fate_of([&] { return live("crash", topic, work, all); });
    };
    for (int fate = next(); fate != 0; fate = next()) {
        ASSERT_EQ(fate, 128 + SIGSEGV);
        ASSERT_LE(++deaths, 14) << "the killers are not found";
    }
    std::cout << "lives that ended: " << deaths << '\n';
    const auto handled = lines_of(work);
    const auto a_while = [](duration since) { return since > 5s; };
    ASSERT_EQ(fate_of([&] { return live("crash", topic, work, a_while); }), 0);
    EXPECT_EQ(lines_of(work).size(), handled.size()) << "the offset has moved on: nothing comes again";
    const auto both = [&](duration) { return different_in(letters) >= killers.size(); };
    ASSERT_EQ(fate_of([&] { return live("reader", dead, letters, both); }), 0);
    std::set<std::string> found;
    for (const std::string& line : lines_of(letters)) {
        found.insert(line.substr(0, line.find(' ')));
        EXPECT_NE(line.find("process_died"), std::string::npos) << line;
    }
    EXPECT_EQ(found, killers);
}

} // namespace
} // namespace corvid

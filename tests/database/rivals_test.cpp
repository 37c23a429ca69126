// SPDX-License-Identifier: Apache-2.0
// The same events to many connections of two processes at once.
#include "inbox_harness.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace corvid::test {
namespace {

constexpr int events = 100;
constexpr int at_once = 64;

struct steps {
    static task<void> mark(inbox& box, int first, int& processed, std::string& failures) {
        for (int n = 0; n < events; ++n) {
            const std::string id = std::to_string((first * 7 + n) % events);
            for (int attempt = 0; attempt < 200; ++attempt) {
                auto outcome = co_await box.process_if_new(id, [&](unit_of_work& unit) {
                    unit.execute("insert into effect(id, size) values ($1, 1)", id);
                });
                if (outcome && *outcome == processing::processed) ++processed;
                if (outcome) break;
                if (outcome.error().kind() != error_kind::retriable || attempt == 199)
                    failures += outcome.error().describe() + '\n';
            }
        }
    }
};

// How many effects this process had.
int compete(scheduler& root, database& db) {
    const auto loop = root.run_thread("rivals", [](scheduler&) {});
    inbox box(db, {.group = "billing"});
    int processed = 0;
    std::string failures;
    task_scope scope;
    for (int n = 0; n < at_once; ++n)
        scope.spawn(loop->loop(), steps::mark(box, n, processed, failures));
    scope.wait(root);
    EXPECT_EQ(failures, "");
    return processed;
}

database_settings settings_for(const std::string& url) {
    return {.url = url, .pool_size = 8, .acquire_timeout = std::chrono::seconds{60}, .seed = 5};
}

// Runs in the other process only: it is told where.
TEST(rival_process, DISABLED_marks_the_same_events) {
    const char* url = std::getenv("CORVID_TEST_RIVAL");
    ASSERT_NE(url, nullptr);
    threaded_scheduler root;
    database db(root, settings_for(url));
    std::printf("\nprocessed %d\n", compete(root, db));
}

class rivals : public inbox_test {};

TEST_F(rivals, of_two_processes_give_each_event_one_effect) {
    const std::string command = "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX CORVID_TEST_RIVAL='" +
                                here_->url() + "' '" +
                                std::filesystem::read_symlink("/proc/self/exe").string() +
                                "' --gtest_also_run_disabled_tests --gtest_filter=rival_process.* 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> other(popen(command.c_str(), "r"), &pclose);
    ASSERT_NE(other, nullptr);
    database mine(root_, settings_for(here_->url()));
    const int here = compete(root_, mine);
    std::string said;
    std::array<char, 512> line{};
    int there = -1;
    while (std::fgets(line.data(), line.size(), other.get())) {
        said += line.data();
        if (std::string_view(line.data()).starts_with("processed ")) there = std::atoi(line.data() + 10);
    }
    EXPECT_EQ(here + there, events) << said;
    EXPECT_EQ(effects().size(), static_cast<std::size_t>(events));
    EXPECT_EQ(marks().size(), static_cast<std::size_t>(events));
}

} // namespace
} // namespace corvid::test

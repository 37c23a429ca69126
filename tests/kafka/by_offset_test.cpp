// SPDX-License-Identifier: Apache-2.0
//
// exactly_once by offset on a real Kafka, with SQLite: reading begins at the row, whatever the group has
// committed, and a row outside of the log stops its partition.
#include "real_kafka.hpp"
#include <corvid/inbox/by_offset/offset_mark.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>
#include <random>

namespace sample {
struct transfer {
    std::string account;
    int n = 0;
};
CORVID_MESSAGE(transfer, (account, n), .topic = "test.by-offset.transfer", .key = &transfer::account);
} // namespace sample

namespace corvid {
namespace {

using namespace std::chrono_literals;
using sample::transfer;

class by_offset_on_kafka : public testing::Test {
public:
    by_offset_on_kafka() {
        const auto made = cluster.open_admin()->create_topic({.name = topic, .partitions = 1}, 30s);
        EXPECT_TRUE(made) << made.error().describe();
        EXPECT_TRUE(get(db.execute("create table effect(at integer primary key, off integer not null)")));
    }
    ~by_offset_on_kafka() override {
        db.close();
        std::filesystem::remove_all(directory);
    }

    template <class T>
    result<T> get(database_call<T>&& call) {
        struct steps {
            static task<result<T>> run(database_call<T>& c) { co_return co_await c; }
        };
        return wait_for<result<T>>(root, db.loop(), steps::run(call));
    }
    std::unique_ptr<service> life() {
        corvid::settings with;
        with.service = "bank";
        with.kafka.bootstrap = real_kafka();
        with.kafka.session_timeout = 6s;
        with.http.listen.clear();
        with.log.output = [this](std::string_view line) {
            const std::lock_guard lock(mutex);
            log += std::string(line) + '\n';
        };
        auto s = std::make_unique<service>(std::move(with), cluster, root);
        s->on<transfer>("book",
                        [](const transfer&, context& ctx, unit_of_work& unit) {
                            unit.execute("insert into effect(off) values ($1)", ctx.offset().value);
                        },
                        {.group = mark.group,
                         .topics = {topic.str()},
                         .order = by_partition,
                         .exactly_once = in(db, by_offset)});
        s->start();
        return s;
    }
    void publish(int from, int to) {
        auto where = out.topic(topic);
        ASSERT_TRUE(where);
        for (int n = from; n < to; ++n) {
            const std::string value = R"({"account":"a","n":)" + std::to_string(n) + '}';
            EXPECT_TRUE(out.post(**where, std::string_view("a"), std::string_view(value)));
        }
    }
    std::vector<std::int64_t> effects() {
        auto all = get(db.query<std::int64_t>("select off from effect order by at"));
        return all.value_or(std::vector<std::int64_t>{});
    }
    [[nodiscard]] bool eventually(const std::function<bool()>& holds) {
        signal never;
        for (int i = 0; i < 600 && !holds(); ++i)
            (void)root.wait(never, root.steady_now() + 100ms);
        return holds();
    }
    [[nodiscard]] bool has_logged(std::string_view text) {
        const std::lock_guard lock(mutex);
        return log.find(text) != std::string::npos;
    }
    static std::vector<std::int64_t> numbers(std::int64_t from, std::int64_t to) {
        std::vector<std::int64_t> all;
        for (; from < to; ++from)
            all.push_back(from);
        return all;
    }
    static std::string make_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "corvid-by-offset.XXXXXX").string();
        return mkdtemp(pattern.data());
    }

    threaded_scheduler root;
    kafka::cluster cluster{{.bootstrap = real_kafka()}};
    publisher out{cluster, root, {}};
    const std::string directory = make_directory();
    const topic_name topic{"by-offset-" + std::to_string(std::random_device{}())};
    const partition_mark mark{.group = "bank-" + topic.str(), .topic = topic.str(), .partition = 0};
    database db{root, {.url = "sqlite:" + directory + "/state.db", .pool_size = 2}};
    std::mutex mutex;
    std::string log;
};

TEST_F(by_offset_on_kafka, reading_begins_at_the_row_and_never_outside_of_the_log) {
    {
        auto first = life();
        publish(0, 1'000);
        ASSERT_TRUE(eventually([&] { return effects().size() == 1'000; }));
        EXPECT_EQ(first->stop(), exit_code::clean);
        EXPECT_EQ(effects(), numbers(0, 1'000));
    }
    { // as if the database had been restored: Kafka's commit is at 1,000
        ASSERT_TRUE(get(db.execute("delete from effect where off >= 400")));
        ASSERT_TRUE(get(reset_position(db, mark, 400)));
        auto second = life();
        ASSERT_TRUE(eventually([&] { return effects().size() == 1'000; }));
        EXPECT_EQ(effects(), numbers(0, 1'000));
        // An operator moves it back once more, under way.
        ASSERT_TRUE(get(db.execute("delete from effect where off >= 900")));
        ASSERT_TRUE(get(reset_position(db, mark, 900)));
        publish(1'000, 1'010);
        ASSERT_TRUE(eventually([&] { return effects().size() == 1'010; }));
        EXPECT_EQ(effects(), numbers(0, 1'010));
        EXPECT_EQ(second->stop(), exit_code::clean);
    }
    {
        ASSERT_TRUE(get(reset_position(db, mark, 5'000)));
        auto third = life();
        EXPECT_TRUE(eventually([&] { return has_logged("the log ends at 1010"); }));
        EXPECT_FALSE(third->health().report(probe::readiness).ok);
        publish(1'010, 1'020);
        EXPECT_EQ(third->stop(), exit_code::clean);
        EXPECT_EQ(effects().size(), 1'010u) << "no silent reset";
    }
}

} // namespace
} // namespace corvid

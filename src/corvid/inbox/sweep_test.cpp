// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>
#include <corvid/inbox/inbox.hpp>

#include <gtest/gtest.h>

#include <filesystem>

namespace corvid {
namespace {

using namespace std::chrono_literals;
using texts = std::vector<std::string>;

class sweep_in_simulation : public testing::Test {
public:
    sweep_in_simulation() : directory_(make_directory()), db_(sim_, settings()) {
        EXPECT_GT(get(box_.migrate()).value_or(0), 0);
    }
    ~sweep_in_simulation() override {
        db_.close();
        std::filesystem::remove_all(directory_);
    }

protected:
    static std::string make_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "corvid-sweep.XXXXXX").string();
        return mkdtemp(pattern.data());
    }
    database_settings settings() const {
        return {.url = "sqlite:" + directory_ + "/state.db", .pool_size = 2, .seed = 1};
    }
    template <class T>
    result<T> get(database_call<T>&& call) {
        struct steps {
            static task<result<T>> run(database_call<T>& c) { co_return co_await c; }
        };
        return wait_for<result<T>>(sim_, sim_, steps::run(call));
    }
    void process(const std::string& id) {
        const auto outcome =
            wait_for<result<processing>>(sim_, sim_, box_.process_if_new(id, [](unit_of_work&) {}));
        EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().describe());
    }
    texts marks() {
        return get(db_.query<std::string>("select event_id from processed_events order by event_id"))
            .value_or(texts{});
    }

    simulation sim_{1};
    std::string directory_;
    database db_;
    inbox box_{db_, {.group = "billing", .retention = 24h}};
};

TEST_F(sweep_in_simulation, runs_every_hour_and_removes_what_has_outlived_its_retention) {
    process("a");
    box_.keep_clean();
    sim_.run_for(23h);
    process("b");
    EXPECT_EQ(marks(), (texts{"a", "b"}));
    sim_.run_for(2h);
    EXPECT_EQ(marks(), texts{"b"});
    sim_.run_for(24h);
    EXPECT_EQ(marks(), texts{});
}

TEST_F(sweep_in_simulation, a_backlog_goes_in_small_batches_and_all_at_once_in_a_round) {
    ASSERT_TRUE(get(
        db_.execute("insert into processed_events(event_id, consumer_group, processed_at) with recursive "
                    "n(i) as (select 1 union all select i + 1 from n where i < 1300) select i, 'billing', 0 "
                    "from n")));
    process("new");
    EXPECT_EQ(get(box_.clean_up()).value_or(-1), 1300);
    EXPECT_EQ(marks(), texts{"new"});
}

TEST_F(sweep_in_simulation, a_round_that_fails_is_tried_again_soon) {
    process("a");
    sim_.run_for(25h);
    ASSERT_TRUE(get(db_.execute("alter table processed_events_groups rename to away")));
    box_.keep_clean();
    sim_.run_for(1min);
    EXPECT_EQ(marks(), texts{"a"});
    ASSERT_TRUE(get(db_.execute("alter table away rename to processed_events_groups")));
    sim_.run_for(10s);
    EXPECT_EQ(marks(), texts{});
}

} // namespace
} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness.hpp"
#include <corvid/inbox/effect_writer.hpp>
#include <corvid/inbox/inbox.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace corvid::test {

/// Takes what a writer tells, and waits for it.
class settled_events {
public:
    [[nodiscard]] effect_writer::sink sink() {
        return [this](std::vector<settled> some) {
            const std::lock_guard lock(mutex_);
            for (settled& each : some)
                all_.push_back(std::move(each));
            arrived_.notify_all();
        };
    }
    /// All that came so far, at least `count`; fewer after 30 s.
    std::vector<settled> wait(std::size_t count) {
        std::unique_lock lock(mutex_);
        const bool came =
            arrived_.wait_for(lock, std::chrono::seconds{30}, [&] { return all_.size() >= count; });
        EXPECT_TRUE(came) << all_.size() << " of " << count << " effects were settled";
        return all_;
    }
    /// Until `more` have come since, or all `expected` of them.
    void wait_for_more(std::size_t more, std::size_t expected) {
        std::unique_lock lock(mutex_);
        const std::size_t enough = std::min(all_.size() + more, expected);
        arrived_.wait_for(lock, std::chrono::seconds{30}, [&] { return all_.size() >= enough; });
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<settled> all_;
};

/// An inbox of the group `billing`, and a table whose rows are the effects.
class inbox_test : public database_test {
protected:
    inbox_test() {
        open([](database_settings& s) { s.pool_size = 4; });
        box_.emplace(*db_, inbox_settings{.group = "billing"});
        EXPECT_GT(get(box_->migrate()).value_or(-1), 0);
        EXPECT_EQ(get(box_->migrate()).value_or(-1), 0);
        run("create table effect(id " + type("text") + " not null, size " + type("int") +
            " check (size < 100))");
    }

    static void record(unit_of_work& unit, const std::string& id, std::int64_t size = 1) {
        unit.execute("insert into effect(id, size) values ($1, $2)", id, size);
    }
    /// One that is written to `effect`; sizes from 100 on are refused.
    static effect recorded(const std::string& id, std::int64_t size = 1, std::uint64_t lane = 0,
                           std::uint64_t tag = 0) {
        effect one{.tag = tag,
                   .lane = lane,
                   .mark = {.id = id, .topic = "shop.order.placed", .partition = 3, .offset = 7}};
        record(one.unit, id, size);
        return one;
    }
    std::vector<std::string> effects() { return read<std::string>("select id from effect order by id"); }
    std::vector<std::string> marks() {
        return read<std::string>("select event_id from processed_events order by event_id");
    }

    std::optional<inbox> box_;
};

using texts = std::vector<std::string>;

/// "processed", "already", or the error's code.
inline std::string fate_of(const result<processing>& outcome) {
    if (!outcome) return to_string(outcome.error().code());
    return *outcome == processing::processed ? "processed" : "already";
}

} // namespace corvid::test

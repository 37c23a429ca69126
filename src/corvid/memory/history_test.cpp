// SPDX-License-Identifier: Apache-2.0
//
// Random histories of a group on the simulated scheduler, against a model of its logs and commits.
#include <corvid/base/random.hpp>
#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace corvid::memory {

using namespace std::chrono_literals;

namespace {

const std::string the_group = "history";

struct model_log {
    std::vector<std::pair<std::int64_t, std::string>> records; // offset and value
    std::int64_t end = 0;
    std::optional<std::int64_t> committed;
};
using model = std::map<topic_partition, model_log>;

struct answered : broker::offset_request {
    answered() : offset_request([](work&) noexcept {}) {}
};

// A member that checks all it is given against the model.
class actor final : public broker::source_listener {
public:
    actor(cluster& in, scheduler& loop, model& truth, const broker::source_settings& settings)
        : truth_(truth), name(settings.client_id), member_(in.join(settings, loop, *this)) {}

    void ready() noexcept override { pump(); }

    void pump() {
        while (member_.source && !dead) {
            auto event = member_.source->next_event();
            if (!event) return;
            std::visit([&](auto& one) { on(one); }, *event);
        }
    }

    void take_some(prng& random) {
        for (auto& [where, stands] : owned) {
            if (!random.chance(0.5)) continue;
            const record_batch batch = member_.source->take(stands.id, 1 + random.below(20));
            for (const record& one : batch.records())
                check(where, stands.next, one);
        }
    }

    /// Commits what was taken; answers the partitions that were refused.
    std::set<topic_partition> commit(std::deque<answered>& requests) {
        answered& request = requests.emplace_back();
        for (const auto& [where, stands] : owned)
            request.offsets.push_back({.where = where, .next = offset(stands.next)});
        member_.offsets->commit(request);
        std::set<topic_partition> refused;
        for (const broker::committed_offset& one : request.offsets) {
            if (request.failure || one.failure)
                refused.insert(one.where);
            else
                truth_[one.where].committed = one.next->value;
        }
        return refused;
    }

    void release() {
        for (const topic_partition& one : held)
            owned.erase(one);
        held.clear();
        if (std::exchange(holds_revoke, false)) member_.source->release();
    }

    void close() { member_.source->close(); }
    void destroy() { member_ = {}; }

    struct place {
        broker::slot id;
        std::int64_t next;
    };
    std::map<topic_partition, place> owned;
    std::set<topic_partition> held; // revoked, not yet released
    bool holds_revoke = false;
    bool was_lost = false; // what is held is another's by now, as far as this member was told
    bool is_closed = false;
    bool dead = false;

private:
    void on(broker::assigned& event) {
        std::vector<broker::start_at> starts;
        for (const broker::assigned_partition& one : event.partitions) {
            EXPECT_FALSE(owned.contains(one.where)) << name << " owns " << to_string(one.where) << " twice";
            owned.emplace(one.where, place{one.id, truth_[one.where].committed.value_or(0)});
            starts.push_back({.id = one.id});
        }
        member_.source->accept(starts);
    }
    void on(broker::revoked& event) {
        EXPECT_FALSE(holds_revoke) << name;
        for (const broker::assigned_partition& one : event.partitions)
            held.insert(one.where);
        EXPECT_EQ(held.size(), owned.size()) << name << ": the eager protocol takes all back";
        holds_revoke = true;
        was_lost = event.lost;
    }
    void on(broker::source_error&) {}
    void on(broker::closed&) {
        EXPECT_TRUE(owned.empty()) << name;
        is_closed = true;
    }
    void check(const topic_partition& where, std::int64_t& next, const record& one) {
        const auto& records = truth_[where].records;
        const auto expected =
            std::ranges::lower_bound(records, next, {}, [](const auto& entry) { return entry.first; });
        ASSERT_NE(expected, records.end()) << to_string(where) << " has nothing from " << next;
        EXPECT_EQ(one.offset, expected->first) << to_string(where) << ": a record was left out or repeated";
        EXPECT_EQ(one.value.text(), expected->second);
        next = one.offset + 1;
    }

    model& truth_;

public:
    std::string name;

private:
    broker::group_member member_;
};

struct quiet_sink_listener final : broker::sink_listener {
    void delivered(broker::delivery_batch&& batch) noexcept override { reported += batch.posted_records[0]; }
    void post_failed(const broker::failed_post& record) noexcept override {
        ADD_FAILURE() << record.why.describe();
    }
    void broken(const error& why) noexcept override { ADD_FAILURE() << why.describe(); }
    void warned(const error&) noexcept override {}
    std::uint64_t reported = 0;
};

class history {
public:
    explicit history(std::uint64_t seed) : random_(seed), simulation_(seed) {
        const auto admin = cluster_.open_admin();
        for (const auto& [name, partitions] : topics) {
            EXPECT_TRUE(admin->create_topic({.name = topic_name(name), .partitions = partitions}, 1s));
            for (std::int32_t i = 0; i < partitions; ++i)
                truth_[{topic_name(name), partition_id(i)}];
        }
        sink_ = cluster_.open_sink({.message_timeout = std::chrono::hours(100)}, simulation_, reports_);
    }

    ~history() {
        for (auto& one : actors_)
            one->destroy();
        EXPECT_TRUE(sink_->close(1s));
        simulation_.run_ready();
    }

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            act();
            simulation_.run_ready();
            check_owners();
        }
        settle();
    }

private:
    static constexpr std::pair<const char*, std::int32_t> topics[] = {{"history.a", 3}, {"history.b", 2}};

    void act() {
        switch (random_.below(14)) {
        case 0:
            return join();
        case 1:
            return with_actor([](actor& one) { one.close(); });
        case 2:
            return random_.chance(0.3) ? drop() : join();
        case 3:
        case 4:
            return send();
        case 5:
            return skip();
        case 6:
        case 7:
            return with_actor([&](actor& one) { one.take_some(random_); });
        case 8:
            return with_actor([&](actor& one) { (void)one.commit(requests_); });
        case 9:
        case 10:
            return with_actor([](actor& one) { one.release(); });
        case 11:
            return random_.chance(0.3) ? cluster_.script().rebalance(the_group) : lose();
        case 12:
            return random_.chance(0.5) ? set_down(true) : set_down(false);
        default:
            simulation_.run_for(std::chrono::milliseconds(random_.below(6'000)));
        }
    }

    void join() {
        if (actors_.size() >= 6) return;
        const broker::source_settings settings{.group = the_group,
                                               .topics = {topic_name("history.a"), topic_name("history.b")},
                                               .client_id = "m" + std::to_string(++joined_),
                                               .session_timeout = 5s,
                                               .max_poll_interval = 20s};
        actors_.push_back(std::make_unique<actor>(cluster_, simulation_, truth_, settings));
    }

    template <class F>
    void with_actor(F what) {
        std::erase_if(actors_, [](const auto& one) { return one->is_closed; });
        if (actors_.empty()) return;
        actor& one = *actors_[random_.below(actors_.size())];
        if (!one.dead) what(one);
    }

    void drop() {
        with_actor([&](actor& one) {
            if (!is_member(one.name)) return;
            cluster_.script().drop_member(the_group, one.name);
            one.dead = true;
        });
        std::erase_if(actors_, [&](const auto& one) { return one->dead && random_.chance(0.5); });
    }

    void lose() {
        with_actor([&](actor& one) {
            if (is_member(one.name)) cluster_.script().lose_assignment(the_group, one.name);
        });
    }

    bool is_member(const std::string& name) {
        const auto info = cluster_.script().describe(the_group);
        return std::ranges::any_of(info.members,
                                   [&](const auto& one) { return one.client_id == name && one.alive; });
    }

    void send() {
        auto where = truth_.begin();
        std::advance(where, random_.below(truth_.size()));
        for (std::uint64_t i = random_.below(30); i-- > 0;) {
            const std::string value = std::to_string(++sent_);
            EXPECT_TRUE(sink_->send({.topic = *sink_->topic(where->first.topic),
                                     .value = std::string_view(value),
                                     .choice = broker::partition_choice::exactly(where->first.partition)}));
            if (down_)
                waiting_.emplace_back(where->first, value);
            else
                append(where->first, value);
        }
    }

    void append(const topic_partition& where, const std::string& value) {
        model_log& log = truth_[where];
        log.records.emplace_back(log.end++, value);
    }

    void skip() {
        auto where = truth_.begin();
        std::advance(where, random_.below(truth_.size()));
        const auto count = static_cast<std::int64_t>(random_.below(4));
        cluster_.script().skip_offsets(where->first, count);
        where->second.end += count;
    }

    void set_down(bool down) {
        if (std::exchange(down_, down) == down) return;
        if (down) return cluster_.script().broker_down();
        cluster_.script().broker_up();
        simulation_.run_ready();
        for (const auto& [where, value] : std::exchange(waiting_, {}))
            append(where, value);
    }

    // Two may believe that they own a partition only while one of them holds a revoke that came too late to
    // be lost.
    void check_owners() {
        std::set<topic_partition> taken;
        for (const member_info& one : cluster_.script().describe(the_group).members)
            for (const topic_partition& where : one.owned)
                EXPECT_TRUE(taken.insert(where).second) << to_string(where) << " has two owners";
        std::map<topic_partition, int> sure;
        for (const auto& one : actors_)
            for (const auto& [where, place] : one->owned)
                if (!one->dead && !one->held.contains(where)) ++sure[where];
        for (const auto& [where, owners] : sure)
            EXPECT_EQ(owners, 1) << to_string(where);
        for (const auto& one : actors_)
            if (!one->dead) check_losers(*one, sure);
    }

    // Whoever lost a partition to another cannot move its commit.
    void check_losers(actor& one, const std::map<topic_partition, int>& sure) {
        if (!std::ranges::any_of(one.held, [&](const auto& where) { return sure.contains(where); })) {
            if (!one.was_lost || one.held.empty()) return;
        }
        const std::set<topic_partition> refused = one.commit(requests_);
        for (const topic_partition& where : one.held)
            if (one.was_lost || sure.contains(where)) {
                EXPECT_TRUE(refused.contains(where)) << one.name << " " << to_string(where);
            }
    }

    // In the end one fresh member reads all from the last commits to the ends.
    void settle() {
        set_down(false);
        for (auto& one : actors_)
            if (!one->dead && !one->is_closed) {
                one->release();
                one->close();
                simulation_.run_ready();
                one->release();
            }
        simulation_.run_for(60s);
        actors_.clear();
        join();
        simulation_.run_for(1s);
        actor& last = *actors_.front();
        EXPECT_EQ(last.owned.size(), truth_.size());
        for (int i = 0; i < 2'000; ++i)
            last.take_some(random_);
        for (const auto& [where, place] : last.owned) {
            const model_log& log = truth_[where];
            const bool has_more = !log.records.empty() && log.records.back().first >= place.next;
            EXPECT_FALSE(has_more) << to_string(where) << " stops at " << place.next;
        }
        EXPECT_EQ(reports_.reported, sent_);
    }

    prng random_;
    simulation simulation_;
    cluster cluster_{simulation_};
    model truth_;
    quiet_sink_listener reports_;
    std::unique_ptr<broker::record_sink> sink_;
    std::vector<std::unique_ptr<actor>> actors_;
    std::deque<answered> requests_;
    std::vector<std::pair<topic_partition, std::string>> waiting_;
    std::uint64_t sent_ = 0;
    int joined_ = 0;
    bool down_ = false;
};

} // namespace

TEST(history, a_partition_has_one_owner_and_no_record_is_skipped) {
    for (std::uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        history(seed).run(250);
    }
}

} // namespace corvid::memory

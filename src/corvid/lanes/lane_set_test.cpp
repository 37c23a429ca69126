// SPDX-License-Identifier: Apache-2.0
//
// lane_set against a naive model: a deque of records for each key, and a deque of the keys that are ready.
#include <corvid/base/random.hpp>
#include <corvid/base/random_test.hpp>
#include <corvid/lanes/lane_set.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace corvid {
namespace {

struct test_record : lane_record {
    std::string text; // the key's bytes
};

struct model_lane {
    std::deque<test_record*> records;
    lane::state state = lane::state::ready;
    std::size_t at_work = 0;
};

class lane_set_history {
public:
    lane_set_history(std::uint64_t seed, order how) : random_(seed), how_(how), set_(how) {}

    void step() {
        switch (random_.below(10)) {
        case 0:
        case 1:
        case 2:
            return add();
        case 3:
        case 4:
            return take();
        case 5:
            return with(lane::state::running, [this](lane& l, model_lane& m) { work(l, m); });
        case 6:
            return with(lane::state::running, [this](lane& l, model_lane& m) { finish(l, m); });
        case 7:
            return with(lane::state::blocked, [this](lane& l, model_lane& m) { wake(l, m); });
        case 8:
            return replace();
        default:
            if (random_.below(4) == 0) revoke();
        }
    }
    void agree() const {
        std::size_t records = 0;
        for (const auto& [name, m] : model_) {
            records += m.records.size();
            const lane* const in = m.records.front()->in();
            ASSERT_NE(in, nullptr) << name;
            ASSERT_EQ(in->now(), m.state) << name;
            ASSERT_EQ(in->length(), m.records.size()) << name;
            ASSERT_EQ(in->at_work(), m.at_work) << name;
            const lane_record* at = &in->front();
            for (const test_record* r : m.records) {
                ASSERT_EQ(at, r) << name;
                ASSERT_EQ(at->in(), in);
                at = at->next();
            }
            ASSERT_EQ(at, nullptr);
            ASSERT_EQ(&in->back(), m.records.back());
        }
        ASSERT_EQ(set_.lanes(), model_.size());
        ASSERT_EQ(set_.records(), records);
        ASSERT_EQ(set_.ready(), ready_.size());
    }

private:
    // By key: few keys, all with one of two hashes, some in two scopes, some null.
    std::unique_ptr<test_record> make() {
        auto r = std::make_unique<test_record>();
        const auto partition = static_cast<std::uint32_t>(random_.below(3));
        static constexpr std::array texts{"", "", "a", "b", "aa", "ab", "bb"}; // the first is null
        const std::uint64_t key = random_.below(texts.size());
        r->from = {partition, epochs_[partition]};
        r->offset = next_offset_++;
        r->scope = random_.below(5) ? partition : 7;
        r->text = texts[key];
        if (key) r->key = optional_bytes(r->text);
        r->hash = key % 2;
        return r;
    }
    std::string identity(const lane_record& r) const {
        if (how_ != by_key || !r.key) return "partition " + std::to_string(r.from.partition);
        return std::to_string(r.scope) + ":" + std::string(r.key.text());
    }
    void add() {
        auto r = make();
        const std::string id = identity(*r);
        auto [at, fresh] = model_.try_emplace(id);
        const lane* const known = fresh ? nullptr : at->second.records.front()->in();
        ASSERT_EQ(set_.find(*r), known);
        const bool at_work = fresh && how_ != unordered && random_.below(4) == 0;
        if (fresh && !at_work) ready_.emplace_back(++turn_, id);
        at->second.records.push_back(r.get());
        const lane& in = at_work ? set_.add_at_work(*r) : set_.add(*r);
        if (at_work) {
            at->second.state = lane::state::running;
            at->second.at_work = 1;
        }
        ASSERT_EQ(&in, r->in());
        alive_.emplace(r.get(), std::move(r));
    }
    // A record that left is gone, and so are the bytes of its key.
    void gone(lane_record& r) {
        const auto at = alive_.find(&r);
        ASSERT_NE(at, alive_.end());
        ASSERT_EQ(r.in(), nullptr);
        at->second->text.assign(at->second->text.size(), '?');
        alive_.erase(at);
    }
    void start(model_lane& m, const lane_run& run, std::size_t most) {
        m.state = lane::state::running;
        m.at_work = 0;
        while (m.at_work < std::min(most, m.records.size()) &&
               m.records[m.at_work]->from == m.records[0]->from)
            ++m.at_work;
        ASSERT_EQ(run.count, m.at_work);
        ASSERT_EQ(run.first, m.records[0]);
    }
    void take() {
        const std::size_t most = 1 + random_.below(4);
        const lane_run run = set_.take(most);
        ASSERT_EQ(run.empty(), ready_.empty());
        if (run.empty()) return;
        const std::string id = identity(*run.first);
        const auto at = std::ranges::find(ready_, std::pair(ready_.front().first, id));
        ASSERT_NE(at, ready_.end()) << "the lane that was ready first, no other";
        ready_.erase(at);
        model_lane& m = model_[id];
        start(m, run, most);
        if (how_ != unordered) return;
        ASSERT_EQ(run.of, nullptr);
        lane_record* r = run.first;
        for (std::size_t i = 0; i < run.count; ++i) {
            lane_record* const following = r->next();
            gone(*r);
            r = following;
        }
        left(id, m, run.count);
    }
    // The first n left: the lane is ready again or no more.
    void left(const std::string& id, model_lane& m, std::size_t n) {
        m.records.erase(m.records.begin(), m.records.begin() + static_cast<std::ptrdiff_t>(n));
        m.at_work = 0;
        m.state = lane::state::ready;
        if (m.records.empty())
            model_.erase(id);
        else
            ready_.emplace_back(++turn_, id);
    }
    template <class F>
    void with(lane::state wanted, F&& f) {
        if (model_.empty()) return;
        auto at = std::next(model_.begin(), static_cast<std::ptrdiff_t>(random_.below(model_.size())));
        for (std::size_t i = 0; i < model_.size() && at->second.state != wanted; ++i)
            if (++at == model_.end()) at = model_.begin();
        if (at->second.state != wanted) return;
        id_ = at->first;
        f(*at->second.records.front()->in(), at->second);
    }
    void work(lane& l, model_lane& m) {
        if (random_.below(2)) {
            m.at_work = 1 + random_.below(m.at_work);
            return set_.narrow(l, m.at_work);
        }
        const std::size_t n = random_.below(m.at_work);
        const std::deque<test_record*> out(m.records.begin(),
                                           m.records.begin() + static_cast<std::ptrdiff_t>(n));
        set_.complete(l, n);
        m.records.erase(m.records.begin(), m.records.begin() + static_cast<std::ptrdiff_t>(n));
        m.at_work -= n;
        for (test_record* r : out)
            gone(*r);
    }
    void finish(lane& l, model_lane& m) {
        if (random_.below(3) == 0) {
            m.state = lane::state::blocked;
            m.at_work = 0;
            return set_.block(l);
        }
        const std::size_t n = random_.below(m.at_work + 1);
        const std::deque<test_record*> out(m.records.begin(),
                                           m.records.begin() + static_cast<std::ptrdiff_t>(n));
        ASSERT_EQ(set_.finish(l, n), m.records.size() > n);
        for (test_record* r : out)
            gone(*r);
        left(id_, m, n);
    }
    void wake(lane& l, model_lane& m) {
        if (random_.below(2)) return start(m, set_.take_front(l, 2), 2);
        m.state = lane::state::ready;
        ready_.emplace_back(++turn_, id_);
        set_.unblock(l);
    }
    void replace() {
        if (model_.empty()) return;
        auto& m =
            std::next(model_.begin(), static_cast<std::ptrdiff_t>(random_.below(model_.size())))->second;
        const std::size_t place = random_.below(m.records.size());
        if (place < m.at_work) return;
        test_record& old = *m.records[place];
        auto by = std::make_unique<test_record>();
        by->text = old.text;
        if (old.key) by->key = optional_bytes(by->text);
        set_.replace(old, *by);
        ASSERT_EQ(by->offset, old.offset);
        m.records[place] = by.get();
        alive_.emplace(by.get(), std::move(by));
        gone(old);
    }
    void revoke() {
        const auto partition = static_cast<std::uint32_t>(random_.below(3));
        const assignment which{partition, epochs_[partition]};
        std::size_t expected = 0;
        for (auto& [id, m] : model_)
            for (std::size_t i = m.at_work; i < m.records.size(); ++i)
                expected += m.records[i]->from == which;
        record_chain out = set_.revoke(which);
        ++turn_;
        for (auto at = model_.begin(); at != model_.end();)
            at = revoke(at, which);
        std::size_t came = 0;
        for (; lane_record* r = out.pop(); ++came) {
            ASSERT_EQ(r->from, which);
            gone(*r);
        }
        ASSERT_EQ(came, expected);
        epochs_[partition] = next(epochs_[partition]);
    }
    std::map<std::string, model_lane>::iterator revoke(std::map<std::string, model_lane>::iterator at,
                                                       assignment which) {
        auto& [id, m] = *at;
        const test_record* const first = m.records.front();
        const auto waits = m.records.begin() + static_cast<std::ptrdiff_t>(m.at_work);
        m.records.erase(std::remove_if(waits, m.records.end(), [&](auto* r) { return r->from == which; }),
                        m.records.end());
        if (m.records.empty()) {
            std::erase_if(ready_, [&](const auto& r) { return r.second == id; });
            return model_.erase(at);
        }
        if (m.state == lane::state::blocked && m.records.front() != first) {
            m.state = lane::state::ready;
            ready_.emplace_back(turn_, id);
        }
        return std::next(at);
    }

    prng random_;
    order how_;
    lane_set set_;
    std::map<std::string, model_lane> model_;
    // Lanes that one revocation made ready have the same turn: they come in any order.
    std::deque<std::pair<std::uint64_t, std::string>> ready_;
    std::uint64_t turn_ = 0;
    std::map<const lane_record*, std::unique_ptr<test_record>> alive_;
    std::map<std::uint32_t, epoch> epochs_{{0, epoch{1}}, {1, epoch{1}}, {2, epoch{1}}};
    std::int64_t next_offset_ = 0;
    std::string id_;
};

void run_histories(order how, std::uint64_t count) {
    for (std::uint64_t seed = 1; seed <= histories(count); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        lane_set_history history(seed, how);
        for (int i = 0; i < 50; ++i) {
            ASSERT_NO_FATAL_FAILURE(history.step());
            ASSERT_NO_FATAL_FAILURE(history.agree());
        }
    }
}

TEST(lane_set, by_key_any_history_agrees_with_a_queue_a_key_though_hashes_collide) {
    run_histories(by_key, 40'000);
}
TEST(lane_set, by_partition_any_history_agrees_with_a_queue_a_partition) {
    run_histories(by_partition, 10'000);
}
TEST(lane_set, unordered_any_history_agrees_with_a_queue_that_nobody_locks) {
    run_histories(unordered, 10'000);
}

std::vector<test_record> records_of_different_keys(std::size_t count) {
    std::vector<test_record> all(count);
    for (std::size_t i = 0; i < count; ++i) {
        all[i].text = std::to_string(i);
        all[i].key = optional_bytes(all[i].text);
        all[i].hash = i;
        all[i].from = {0, epoch{1}};
    }
    return all;
}

TEST(lane_set, a_million_keys_in_flight_leave_no_memory_behind) {
    auto all = records_of_different_keys(1'000'000);
    lane_set set(by_key);
    for (auto& r : all)
        set.add(r);
    EXPECT_EQ(set.lanes(), all.size());
    EXPECT_GT(set.bytes(), all.size() * 50);
    while (true) {
        const lane_run run = set.take();
        if (run.empty()) break;
        EXPECT_EQ(run.count, 1u);
        set.finish(*run.of, 1);
    }
    EXPECT_TRUE(set.empty());
    EXPECT_LT(set.bytes(), 200'000u);
}

TEST(lane_set, a_run_is_at_most_256_records_and_then_the_next_lane_has_its_turn) {
    auto all = records_of_different_keys(1'001);
    for (std::size_t i = 0; i < 1'000; ++i) {
        all[i].key = optional_bytes("hot");
        all[i].hash = 1'000'000;
    }
    lane_set set(by_key);
    for (auto& r : all)
        set.add(r);
    const lane_run hot = set.take();
    EXPECT_EQ(hot.count, 256u);
    set.finish(*hot.of, hot.count);
    EXPECT_EQ(set.take().first, &all.back());
}

TEST(lane_set, a_key_stays_locked_through_revoke_and_reassign_until_its_old_handler_returns) {
    auto all = records_of_different_keys(2);
    all[1].key = all[0].key;
    all[1].hash = all[0].hash;
    lane_set set(by_key);
    set.add(all[0]);
    const lane_run old = set.take();
    EXPECT_TRUE(set.revoke(all[0].from).empty());
    all[1].from.since = epoch{2};
    set.add(all[1]);
    EXPECT_TRUE(set.take().empty());
    set.finish(*old.of, old.count);
    EXPECT_EQ(set.take().first, &all[1]);
}

// The set mixes scope and hash as hash ^ (scope + 1) * golden first: these collide in all 64 bits.
TEST(lane_set, scopes_and_keyless_records_are_apart_though_all_bits_of_their_hashes_are_equal) {
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    std::vector<lane_record> all(3);
    for (auto& r : all)
        r.from = {5, epoch{1}};
    all[0].key = all[1].key = optional_bytes("");
    all[0].scope = 5; // the number of the partition, which is the scope of all[2]
    all[0].hash = 6 * golden ^ 5U;
    all[1].scope = 1;
    all[1].hash = 2 * golden ^ 5U;
    lane_set set(by_key);
    for (auto& r : all)
        set.add(r);
    EXPECT_EQ(set.lanes(), 3u);
    EXPECT_TRUE(all[0].in()->hash() == all[1].in()->hash() && all[0].in()->hash() == all[2].in()->hash());
}

} // namespace
} // namespace corvid

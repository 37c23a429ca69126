// SPDX-License-Identifier: Apache-2.0
//
// Histories of one partition's keys: deaths, commands, writes that take their time, owners that die anywhere,
// and what they wrote arriving late.
#include <corvid/base/random.hpp>
#include <corvid/consume/parking/dead_keys.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>

namespace corvid {
namespace {

/// A partition, its two topics and its committed offset: what outlives owners.
struct broker_model {
    struct parked_record {
        std::string key;
        offset at;
    };
    std::vector<std::string> source; // keys
    std::vector<parked_entry> keys;
    std::vector<parked_record> parked;
    std::size_t committed = 0;

    std::set<std::int64_t> poison, letters;
    std::map<std::string, std::vector<std::int64_t>> order; ///< of what ran or was discarded
    std::set<std::int64_t> ran, dropped;
};

/// A write that a producer has taken, and what happens when it is known to be there.
struct write {
    std::function<std::int64_t()> land;
    std::function<void(std::int64_t)> then;
    std::optional<std::int64_t> at = {};
};

class owner {
public:
    owner(broker_model& b, prng& random) : b_(b), random_(random), next_(b.committed), done_(b.committed) {}

    /// One thing that could happen now does.
    void step() {
        switch (random_.below(8)) {
        case 0:
            return hear();
        case 1:
            return take();
        case 2:
        case 3:
            return work();
        case 4:
            return answer();
        case 5:
            return read_parked();
        case 6:
            return write_due();
        default:
            if (!sent.empty()) land();
        }
        if (random_.below(4) == 0) b_.committed = done_;
    }
    void hear() {
        if (heard_ < b_.keys.size()) {
            keys.heard(b_.keys[heard_], static_cast<std::int64_t>(heard_));
            ++heard_;
        } else if (!keys.is_ready()) {
            keys.caught_up();
        }
    }
    void commit() { b_.committed = done_; }
    void land() {
        for (write& each : sent)
            if (!each.at) {
                each.at = each.land();
                return;
            }
    }
    [[nodiscard]] bool is_idle() const {
        return keys.is_ready() && heard_ == b_.keys.size() && next_ == b_.source.size() && done_ == next_ &&
               sent.empty() && lanes_.empty() && !keys.is_reading() && !keys.has_due();
    }

    dead_keys keys{partition_id(0), 3};
    std::deque<write> sent;

private:
    struct held {
        std::int64_t at;
        bool is_released;
        bool is_out = false; ///< on its way elsewhere
    };
    using lane = std::deque<held>;

    void take() {
        if (!keys.is_ready() || keys.holds_intake() || next_ == b_.source.size()) return;
        lanes_[b_.source[next_]].push_back({.at = static_cast<std::int64_t>(next_), .is_released = false});
        ++next_;
    }
    void work() {
        if (lanes_.empty()) return;
        auto its = lanes_.begin();
        std::advance(its, static_cast<std::ptrdiff_t>(random_.below(lanes_.size())));
        held& first = its->second.front();
        if (first.is_out) return;
        const std::string key = its->first;
        switch (keys.fate_of(key, offset(first.at), first.is_released)) {
        case dead_keys::fate::gone:
            keys.forsaken(key);
            return leave(key);
        case dead_keys::fate::is_dead:
            return dead_letter(key);
        case dead_keys::fate::is_parked:
            return park(key);
        case dead_keys::fate::runs:
            return run(key, first);
        }
    }
    void run(const std::string& key, held& what) {
        if (random_.below(6) == 0) { // not yet
            if (what.is_released) keys.put_off(key);
            return;
        }
        if (!b_.poison.contains(what.at)) {
            b_.order[key].push_back(what.at);
            b_.ran.insert(what.at);
            return settle(key);
        }
        what.is_out = true;
        what.is_released ? dead_letter(key) : mark(key);
    }
    // What comes again from the source is known to be dead, before its letter is there. What was given back
    // does not come again once its mark is there: its letter goes first.
    void mark(const std::string& key) {
        const held& what = lanes_[key].front();
        const auto then = [this, key, is_released = what.is_released] {
            is_released ? settle(key) : dead_letter(key);
        };
        if (!keys.begin_mark(key, offset(what.at))) return then();
        const parked_entry mark{.partition = partition_id(0), .key = key, .at = offset(what.at)};
        sent.push_back({[this, mark] { return append(b_.keys, mark); },
                        [this, then, mark](std::int64_t place) {
                            keys.marked(mark.key, *mark.at, place);
                            then();
                        }});
    }
    void dead_letter(const std::string& key) {
        held& what = lanes_[key].front();
        what.is_out = true;
        sent.push_back({[this, at = what.at] { return b_.letters.insert(at), 0; },
                        [this, key, is_released = what.is_released](std::int64_t) {
                            is_released ? mark(key) : settle(key);
                        }});
    }
    void park(const std::string& key) {
        held& what = lanes_[key].front();
        what.is_out = true;
        keys.begin_park(key);
        sent.push_back({[this, key, at = what.at] { return append(b_.parked, {key, offset(at)}); },
                        [this, key](std::int64_t place) {
                            keys.parked(key, place);
                            settle(key);
                        }});
    }
    void settle(const std::string& key) {
        const held& what = lanes_[key].front();
        what.is_released ? keys.returned(key) : static_cast<void>(marks_.insert(what.at));
        while (marks_.erase(static_cast<std::int64_t>(done_)) > 0)
            ++done_;
        leave(key);
    }
    void leave(const std::string& key) {
        lane& its = lanes_[key];
        its.pop_front();
        if (its.empty()) lanes_.erase(key);
    }
    void answer() {
        if (sent.empty() || !sent.front().at) return;
        const write first = std::move(sent.front());
        sent.pop_front();
        first.then(*first.at);
    }
    void read_parked() {
        if (keys.begin_pass()) {
            read_ = 0;
            end_ = b_.parked.size();
        }
        if (keys.is_reading() && keys.has_room() && read_ < b_.parked.size()) {
            const auto& [key, at] = b_.parked[read_];
            const auto what = keys.came(key, at, static_cast<std::int64_t>(read_++));
            if (what == dead_keys::handed::runs) lanes_[key].push_back({.at = at.value, .is_released = true});
            if (what == dead_keys::handed::dropped) {
                b_.order[key].push_back(at.value);
                b_.dropped.insert(at.value);
            }
        }
        if (keys.is_reading() && read_ >= end_) keys.reached_end();
        static_cast<void>(keys.settle());
    }
    void write_due() {
        for (const parked_entry& each : keys.due()) {
            if (random_.below(8) == 0) {
                keys.failed(each);
                continue;
            }
            sent.push_back({[this, each] { return append(b_.keys, each); },
                            [this, each](std::int64_t place) { keys.wrote(each, place); }});
        }
    }
    template <class T>
    static std::int64_t append(std::vector<T>& to, T what) {
        to.push_back(std::move(what));
        return static_cast<std::int64_t>(to.size()) - 1;
    }

    broker_model& b_;
    prng& random_;
    std::size_t next_, done_, heard_ = 0, read_ = 0, end_ = 0;
    std::map<std::string, lane> lanes_;
    std::set<std::int64_t> marks_;
};

class history {
public:
    explicit history(std::uint64_t seed) : random_(seed), keys_(1 + random_.below(3)) { begin(); }

    void happens() {
        for (int i = 0; i < 400; ++i) {
            const auto what = random_.below(40);
            if (what < 3) publish();
            if (what == 3) ask(random_.below(4) == 0 ? parked_command::discard : parked_command::release);
            if (what == 4 && late_.empty() && is_heard()) crash();
            if (what == 5 && !late_.empty()) arrive();
            now_->step();
        }
    }
    /// Nothing goes wrong any more, and all that is dead is released.
    void ends() {
        while (!late_.empty())
            arrive();
        for (int round = 0; round < 40; ++round) {
            for (int i = 0; i < 20'000 && !now_->is_idle(); ++i)
                now_->step();
            ASSERT_TRUE(now_->is_idle()) << "it does not come to rest";
            if (now_->keys.empty()) return;
            for (std::uint64_t k = 0; k < keys_; ++k)
                put({.key = name(k), .asks = true, .command = parked_command::release});
        }
        FAIL() << "keys stay dead";
    }
    void expect_order() const {
        for (const auto& [key, all] : b_.order) {
            std::vector<std::int64_t> first;
            for (const std::int64_t at : all)
                if (std::ranges::find(first, at) == first.end()) first.push_back(at);
            EXPECT_TRUE(std::ranges::is_sorted(first)) << key << " was overtaken";
        }
    }
    void expect_nothing_lost() const {
        for (std::size_t i = 0; i < b_.source.size(); ++i) {
            const auto at = static_cast<std::int64_t>(i);
            EXPECT_TRUE((b_.poison.contains(at) ? b_.letters : b_.ran).contains(at) ||
                        b_.dropped.contains(at))
                << at << " is lost";
        }
    }
    /// A reader that begins now knows what this owner knows.
    void expect_the_log_to_know() const {
        dead_keys fresh(partition_id(0), 1);
        for (std::size_t i = 0; i < b_.keys.size(); ++i)
            fresh.heard(b_.keys[i], static_cast<std::int64_t>(i));
        fresh.caught_up();
        EXPECT_TRUE(fresh.empty());
        EXPECT_TRUE(fresh.due().empty()) << "commands are left over";
    }

private:
    static std::string name(std::uint64_t k) { return "k" + std::to_string(k); }
    void begin() { now_ = std::make_unique<owner>(b_, random_); }
    void put(parked_entry what) { b_.keys.push_back(std::move(what)); }
    void publish() {
        if (random_.below(8) == 0) b_.poison.insert(static_cast<std::int64_t>(b_.source.size()));
        b_.source.push_back(name(random_.below(keys_)));
    }
    void ask(parked_command what) { put({.key = name(random_.below(keys_)), .asks = true, .command = what}); }
    // What it had sent may be there, come later, or never.
    void crash() {
        if (random_.below(2) == 0) now_->commit();
        const auto left = random_.below(now_->sent.size() + 1);
        for (std::size_t i = 0; i < left; ++i)
            if (!now_->sent[i].at) late_.push_back(now_->sent[i].land);
        dead_.push_back(std::move(now_));
        begin();
    }
    void arrive() {
        late_.front()();
        late_.pop_front();
        is_overruled_ = b_.keys.size();
    }
    /// What arrived late has been heard, and overruled where it is wrong.
    bool is_heard() {
        if (is_overruled_ == 0) return true;
        for (int i = 0; i < 2'000 && !now_->is_idle(); ++i)
            now_->step();
        if (now_->is_idle()) is_overruled_ = 0;
        return is_overruled_ == 0;
    }

    broker_model b_;
    prng random_;
    std::uint64_t keys_;
    std::unique_ptr<owner> now_;
    std::vector<std::unique_ptr<owner>> dead_; // whose writes may still arrive
    std::deque<std::function<std::int64_t()>> late_;
    std::size_t is_overruled_ = 0;
};

parked_entry mark(std::string key, std::optional<offset> at) {
    return {.partition = partition_id(0), .key = std::move(key), .at = at};
}
parked_entry command(std::string key, parked_command what) {
    return {.partition = partition_id(0), .key = std::move(key), .asks = true, .command = what};
}

TEST(dead_keys, take_a_command_for_the_death_that_it_comes_behind) {
    dead_keys keys(partition_id(0), 1);
    keys.heard(command("k", parked_command::release), 0);
    keys.heard(mark("k", offset(7)), 1);
    keys.caught_up();
    EXPECT_FALSE(keys.begin_pass()) << "it was for an earlier death";
    EXPECT_EQ(keys.due(), std::vector{(parked_entry{.key = "k", .asks = true})});
    keys.heard(command("k", parked_command::discard), 2);
    EXPECT_EQ(keys.list().front().asked_for, parked_command::discard);
    EXPECT_TRUE(keys.begin_pass());
}

TEST(dead_keys, overrule_what_somebody_else_writes) {
    dead_keys keys(partition_id(0), 1);
    keys.heard(mark("k", offset(7)), 0);
    keys.caught_up();
    keys.heard(mark("k", std::nullopt), 1);
    keys.heard(mark("other", offset(3)), 2);
    EXPECT_TRUE(keys.dead_at("k"));
    EXPECT_FALSE(keys.dead_at("other"));
    EXPECT_EQ(keys.due(), (std::vector{mark("k", offset(7)), mark("other", std::nullopt)}));
    EXPECT_TRUE(keys.due().empty()) << "once";
    keys.failed(mark("k", offset(7)));
    EXPECT_EQ(keys.due(), std::vector{mark("k", offset(7))}) << "until it is there";
}

TEST(dead_keys, do_not_die_earlier_by_what_comes_again) {
    dead_keys keys(partition_id(0), 1);
    keys.heard(mark("k", offset(7)), 0);
    keys.caught_up();
    EXPECT_FALSE(keys.begin_mark("k", offset(3)));
    EXPECT_EQ(keys.fate_of("k", offset(3), false), dead_keys::fate::runs);
    EXPECT_EQ(keys.fate_of("k", offset(7), false), dead_keys::fate::is_dead);
    EXPECT_EQ(keys.fate_of("k", offset(8), false), dead_keys::fate::is_parked);
    EXPECT_EQ(keys.fate_of("k", offset(8), true), dead_keys::fate::gone);
}

TEST(dead_keys_histories, lose_nothing_and_let_nothing_of_a_key_be_overtaken) {
    for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        history h(seed);
        h.happens();
        h.ends();
        if (testing::Test::HasFailure()) return;
        h.expect_order();
        h.expect_nothing_lost();
        h.expect_the_log_to_know();
        if (testing::Test::HasFailure()) return;
    }
}

} // namespace
} // namespace corvid

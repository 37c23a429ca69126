// SPDX-License-Identifier: Apache-2.0
//
// Random histories of a keyed group in virtual time: handlers that wait and fail, members that come, go,
// crash and are evicted, brokers and commits that fail; and a fetch that nothing may pin.
#include <corvid/consume/detail/group_world_test.hpp>

namespace corvid::consume_test {
namespace {

struct place {
    std::int32_t partition;
    std::int64_t offset;
    auto operator<=>(const place&) const = default;
};

/// How a record behaves, by its number alone: the same in every delivery.
enum class nature : std::uint8_t { sound, slow, flaky, poison };
nature nature_of(const keyed& e) {
    const int r = (e.n * 7919 + static_cast<int>(std::hash<std::string>{}(e.key) % 1000)) % 23;
    return r == 0 ? nature::poison : r < 3 ? nature::flaky : r < 8 ? nature::slow : nature::sound;
}

class key_histories : public testing::TestWithParam<int> {
public:
    key_histories()
        : draws(static_cast<std::uint64_t>(GetParam())), w(static_cast<std::uint64_t>(GetParam()), 3) {
        if (const int threads = GetParam() / 2 % 3; threads > 0)
            w.workers = std::make_unique<worker_pool>(w.sim, threads);
    }

    struct member {
        std::string id;
        std::unique_ptr<group_loop> loop;
    };

    static subscription chosen(unsigned draw) {
        return {.order = draw % 3 == 0 ? by_partition : by_key,
                .concurrency = 1 + draw % 50,
                .failure = {.retry = {.first = 200ms, .limit = 3}, .rejected = when_rejected::dead_letters},
                .intake = {.runnable_records = 64 + draw % 512, .waiting_bytes = 4'000 + draw % 60'000},
                .window = {.max_uncommitted = 50 + draw % 3'000}};
    }

    void begins(const place& at, const std::string& lane) {
        // All before it of its lane were done or dead before: looked up in what is finished.
        for (const std::int64_t earlier : lane_log[lane])
            if (earlier < at.offset) {
                EXPECT_TRUE(finished.contains({at.partition, earlier}) ||
                            dead_in_doubt.contains({at.partition, earlier}))
                    << lane << " overtook offset " << earlier << " at " << at.offset;
            }
    }
    std::string lane_of(const received<keyed>& e) const {
        return order_draw % 3 == 0 ? "p" + std::to_string(e.partition().value) : e->key;
    }
    outcome judge(const received<keyed>& e, int attempt) {
        const place at{e.partition().value, e.offset().value};
        switch (nature_of(*e)) {
        case nature::poison:
            dead_in_doubt.insert(at);
            return dead_letter("poison");
        case nature::flaky:
            if (attempt < 3) return retry("flaky");
            break;
        default:
            break;
        }
        finished.insert(at);
        return done;
    }
    auto plain() {
        return [this](const received<keyed>& e, context& ctx) -> outcome {
            begins({e.partition().value, e.offset().value}, lane_of(e));
            return judge(e, ctx.attempt());
        };
    }
    auto awaiting(const std::string& id) {
        return [this, id](const received<keyed>& e, context& ctx) -> task<outcome> {
            const std::string lane = id + '/' + lane_of(e);
            const place at{e.partition().value, e.offset().value};
            EXPECT_TRUE(running.insert(lane).second) << lane << " runs beside itself";
            begins(at, lane_of(e));
            if (nature_of(*e) == nature::slow)
                co_await ctx.sleep(std::chrono::milliseconds(e->n * 131 % 3'000));
            const outcome what = judge(e, ctx.attempt());
            running.erase(lane);
            co_return what;
        };
    }

    /// The same work, as a plain function (draw even) or as a coroutine.
    void join() {
        const unsigned draw = random();
        const std::string id = "m" + std::to_string(made++);
        group_settings settings{.source = {.client_id = id, .session_timeout = 6s},
                                .rebalance_drain = std::chrono::milliseconds(draw % 4'000),
                                .seed = draw};
        auto loop =
            how_plain ? w.join(plain(), order_of(), settings) : w.join(awaiting(id), order_of(), settings);
        members.push_back({id, std::move(loop)});
    }
    unsigned random() { return static_cast<unsigned>(draws() >> 33U); }
    subscription order_of() {
        auto one = chosen(order_draw);
        one.concurrency = 1 + random() % 50;
        return one;
    }

    void publish(int count) {
        w.cluster.script().fail_sends(0, error(errc::not_persisted));
        for (int i = 0; i < count; ++i)
            w.publish("k" + std::to_string(random() % 12));
        w.flush();
        note_log();
    }
    void note_log() {
        std::vector<raw_handler::seen> all;
        subscription with{.handle = std::make_unique<raw_handler>(all)};
        auto loop = w.join_with(std::move(with), {.source = {.group = "log" + std::to_string(w.readers++)}});
        w.sim.run_until([&] { return std::cmp_equal(all.size(), w.count); }, 1h);
        w.end(*loop);
        lane_log.clear();
        logged.clear();
        for (const auto& r : all) {
            const auto lane = order_draw % 3 == 0 ? "p" + std::to_string(r.partition.value) : r.key;
            lane_log[lane].push_back(r.what.offset);
            logged[r.partition.value].push_back(r.what.offset);
        }
    }

    void something_happens() {
        auto script = w.cluster.script();
        switch (random() % 8) {
        case 0:
            return join();
        case 1:
            return leave();
        case 2:
            return script.fail_commits(1, error(errc::timed_out));
        case 3:
            return script.rebalance("group");
        case 4:
            if (!members.empty() && is_member(members[0].id)) script.lose_assignment("group", members[0].id);
            return;
        case 5:
            if (!members.empty() && random() % 3 == 0) crash();
            return;
        case 6:
            return script.fail_sends(random() % 3, error(errc::not_persisted));
        default:
            return w.sim.run_for(std::chrono::milliseconds(random() % 3'000));
        }
    }
    bool is_member(const std::string& id) {
        const auto group = w.cluster.script().describe("group");
        return std::ranges::any_of(group.members,
                                   [&](const auto& m) { return m.alive && m.client_id == id; });
    }
    void leave() {
        if (members.empty()) return;
        w.end(*members.front().loop, std::chrono::milliseconds(random() % 5'000), 5s);
        members.erase(members.begin());
    }
    // The member hears and says nothing any more: what it does from now on reaches no broker.
    void crash() {
        if (is_member(members.back().id)) w.cluster.script().drop_member("group", members.back().id);
    }

    void expect_nothing_committed_too_far() {
        for (std::int32_t p = 0; p < 3; ++p)
            for (const std::int64_t o : logged[p])
                if (o < w.committed(p)) {
                    ASSERT_TRUE(finished.contains({p, o}) || dead_in_doubt.contains({p, o}))
                        << "committed past offset " << o << " of partition " << p;
                }
    }
    void expect_the_dead_letters() {
        std::set<place> dead;
        for (const auto& letter : w.dead_letters())
            dead.insert({std::stoi(std::string(*letter.its_headers.find("__dlq.errors.partition"))),
                         std::stoll(std::string(*letter.its_headers.find("__dlq.errors.offset")))});
        EXPECT_EQ(dead, dead_in_doubt) << "the poison, all of it and nothing else";
        for (const place& each : dead)
            EXPECT_FALSE(finished.contains(each));
    }

    prng draws;
    unsigned order_draw = static_cast<unsigned>(GetParam());
    bool how_plain = GetParam() % 2 == 0;
    group_world w;
    std::vector<member> members;
    int made = 0;
    std::map<std::string, std::vector<std::int64_t>> lane_log;
    std::map<std::int32_t, std::vector<std::int64_t>> logged;
    std::set<place> finished, dead_in_doubt;
    std::set<std::string> running;
};

TEST_P(key_histories, lose_nothing_keep_the_order_of_each_key_and_commit_only_what_is_done) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    for (int round = 0; round < 4; ++round) {
        publish(static_cast<int>(random() % 200));
        for (int step = 0; step < 8; ++step) {
            something_happens();
            expect_nothing_committed_too_far();
        }
    }
    w.cluster.script().fail_sends(0, error(errc::not_persisted));
    join();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 2h)) << "it does not come to an end";
    expect_nothing_committed_too_far();
    for (const auto& [p, offsets] : logged)
        for (const std::int64_t o : offsets)
            EXPECT_TRUE(finished.contains({p, o}) || dead_in_doubt.contains({p, o})) << p << ' ' << o;
    for (auto& m : members)
        w.end(*m.loop);
    expect_the_dead_letters();
}

INSTANTIATE_TEST_SUITE_P(seeds, key_histories, testing::Range(1, 61));

// --- a fetch that nothing pins ----------------------------------------------------------------------------

/// Counts the fetch batches that are alive.
class counting_source final : public broker::record_source {
public:
    counting_source(std::unique_ptr<broker::record_source> of, int& alive)
        : of_(std::move(of)), alive_(alive) {}
    std::optional<broker::source_event> next_event() override { return of_->next_event(); }
    void accept(std::span<const broker::start_at> partitions) override { of_->accept(partitions); }
    void release() override { of_->release(); }
    record_batch take(broker::slot from, std::size_t most) override {
        record_batch taken = of_->take(from, most);
        if (taken.empty()) return taken;
        std::vector<record> records(taken.records().begin(), taken.records().end());
        return {std::move(records), std::make_unique<owner>(std::move(taken), alive_)};
    }
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override {
        return of_->progress(of);
    }
    void close() override { of_->close(); }

private:
    struct owner final : batch_owner {
        owner(record_batch of, int& count) : batch(std::move(of)), alive(count) { ++alive; }
        ~owner() override { --alive; }
        void read_headers(const record& which, header_list& into) const override {
            into = batch.headers_of(which);
        }
        record_batch batch;
        int& alive;
    };
    std::unique_ptr<broker::record_source> of_;
    int& alive_;
};

class counting_cluster final : public broker::cluster {
public:
    explicit counting_cluster(broker::cluster& of) : of_(of) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override {
        auto member = of_.join(settings, loop, listener);
        member.source = std::make_unique<counting_source>(std::move(member.source), alive);
        return member;
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& delivery,
                                                   broker::sink_listener& listener) override {
        return of_.open_sink(settings, delivery, listener);
    }
    std::unique_ptr<broker::admin> open_admin() override { return of_.open_admin(); }
    int alive = 0;

private:
    broker::cluster& of_;
};

TEST(memory_of_a_group, neither_a_slow_record_nor_one_in_back_off_pins_a_fetch) {
    group_world w(21);
    counting_cluster counts(w.cluster);
    std::size_t over = 0;
    auto loop = w.join(
        [&](const received<keyed>& e, context& ctx) -> task<void> {
            const received<keyed> in = e;
            if (in->n % 50 == 1) co_await ctx.sleep(1h);
            if (in->n % 50 == 2) throw std::runtime_error("not yet");
            EXPECT_EQ(in.key().text(), in->key) << "what was copied is whole";
            ++over;
        },
        {.concurrency = 1'000, .failure = {.retry = {.first = 1h, .limit = 3, .cap = 2h}}}, {}, &counts);
    w.publish(100, 100);
    w.sim.run_for(10s);
    EXPECT_GT(over, 90u);
    EXPECT_EQ(counts.alive, 0);
    loop->stop(0s, 0s);
    EXPECT_TRUE(w.sim.wait(loop->ended(), w.sim.steady_now() + 3h));
}

TEST(memory_of_a_group, a_hundred_thousand_keys_are_all_done_and_committed) {
    group_world w(22);
    std::size_t over = 0;
    auto loop = w.join(
        [&](const keyed&, context& ctx) -> task<void> {
            co_await ctx.sleep(1ms);
            ++over;
        },
        {.concurrency = 4'096});
    for (int i = 0; i < 100'000; ++i)
        w.publish("key-" + std::to_string(i));
    w.flush();
    EXPECT_TRUE(w.sim.run_until([&] { return w.all_committed(); }, 10min));
    EXPECT_EQ(over, 100'000u);
    EXPECT_EQ(w.end(*loop), loop_end::clean);
}

} // namespace
} // namespace corvid::consume_test

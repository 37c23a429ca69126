// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/effect_writer.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/base/random.hpp>
#include <corvid/inbox/detail/mailbox.hpp>
#include <corvid/inbox/effect_queue.hpp>
#include <corvid/inbox/write_trouble.hpp>
#include <corvid/observe/metrics.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

namespace {

using inbox_detail::effect_queue;
using inbox_detail::mark_table;
using inbox_detail::write_report;

writer_settings checked(writer_settings settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    return settings;
}

std::size_t shards_of(const database& db, const writer_settings& settings) {
    return db.dialect().kind == store::database_kind::sqlite ? 1 : settings.transactions;
}

// How old the oldest is changes while nothing happens.
constexpr duration show_every = std::chrono::seconds(1);

struct writer_figures {
    writer_figures(metrics* into, const std::string& group) {
        if (!into) return;
        processed = into->counter_of(metric::events_processed, {group});
        duplicates = into->counter_of(metric::events_duplicates, {group});
        pending = into->gauge_of(metric::inbox_pending, {group});
        oldest = into->gauge_of(metric::inbox_oldest, {group});
        committed = into->counter_of(metric::inbox_transactions, {group, "committed"});
        trouble = into->counter_of(metric::inbox_transactions, {group, "trouble"});
        took = into->histogram_of(metric::inbox_transaction_duration, {group});
    }
    counter processed, duplicates, committed, trouble;
    gauge pending, oldest;
    histogram took;
};

} // namespace

// All on the database's loop, but for what only reads what never changes.
struct effect_writer::impl : std::enable_shared_from_this<impl> {
    impl(database& d, std::string name, sink to, const writer_settings& s, metrics* figures_into,
         write_trouble* note)
        : db(d),
          group(std::move(name)),
          out(std::move(to)),
          table(std::make_shared<mark_table>(db.dialect(), db.loop())),
          random(db.settings().seed ? db.settings().seed : entropy_seed()),
          figures(figures_into, group),
          trouble(note) {
        for (std::size_t i = 0; i < shards_of(db, s); ++i)
            shards.push_back(std::make_unique<shard>(*this, s));
    }

    // What writes one transaction after the other; a lane has one.
    struct shard : timer {
        shard(impl& i, const writer_settings& s)
            : timer([](work& w) noexcept { static_cast<shard&>(w).ring(); }), owner(i), queue(s) {}
        void ring() {
            turn();
            owner.show();
        }
        void turn();
        void tell();
        static task<void> write(std::shared_ptr<impl> alive, shard& self, std::vector<effect> batch);
        impl& owner;
        effect_queue queue;
    };
    // Waits until a lane has nothing left to write.
    struct lane_idle : operation<lane_idle, void> {
        lane_idle(shard& s, std::uint64_t l) noexcept : of(s), lane(l) {}
        bool start() {
            if (!of.queue.has(lane)) return false;
            of.owner.lane_waiters.push_back(this);
            return true;
        }
        void take() const noexcept {}
        using operation::complete;
        shard& of;
        std::uint64_t lane;
    };

    // Lanes are hashes, but nobody promises good ones.
    shard& shard_of(std::uint64_t lane) {
        return *shards[(lane * 0x9e3779b97f4a7c15U >> 32U) % shards.size()];
    }
    // What threads hand in meets the loop here, in their order, a post for as much as comes until it runs.
    struct arrival {
        effect what;
        bool reopens = false; // its lane, nothing else
    };
    template <class F>
    void arrive(F&& put);
    void take_in();
    void turn_all();
    void wake_lane_waiters();
    void show();
    void note(const std::optional<error>& failure) const;
    static task<void> end(std::shared_ptr<impl> self);
    static task<result<std::shared_ptr<marked_unit>>> begin(std::shared_ptr<impl> self, event_mark mark,
                                                            std::uint64_t lane);
    static task<result<std::shared_ptr<marked_unit>>> begin_all(std::shared_ptr<impl> self,
                                                                std::vector<event_mark> marks);

    database& db;
    const std::string group;
    const sink out;
    const std::shared_ptr<mark_table> table;
    prng random;
    writer_figures figures;
    write_trouble* const trouble;
    std::vector<std::unique_ptr<shard>> shards;
    inbox_detail::mailbox<arrival> arrived;
    std::vector<lane_idle*> lane_waiters;
    task_scope writing;
    bool closing = false;
};

template <class F>
void effect_writer::impl::arrive(F&& put) {
    if (arrived.fill(std::forward<F>(put)))
        post_call(db.loop(), [self = shared_from_this()] { self->take_in(); });
}

void effect_writer::impl::take_in() {
    std::vector<arrival> came = arrived.take();
    const steady_time now = db.loop().steady_now();
    for (arrival& each : came) {
        each.what.mark.group = group;
        effect_queue& queue = shard_of(each.what.lane).queue;
        if (each.reopens)
            queue.reopen(each.what.lane);
        else
            queue.add(std::move(each.what), now);
    }
    turn_all();
}

void effect_writer::impl::turn_all() {
    for (const auto& each : shards) {
        if (closing) each->queue.give_up(error(errc::stopped, {.operation = "write effects"}));
        each->turn();
    }
    show();
}

// Starts what is due, tells what is settled, and sets the alarm for what comes next.
void effect_writer::impl::shard::turn() {
    scheduler& loop = owner.db.loop();
    tell();
    const steady_time now = loop.steady_now();
    if (auto batch = queue.take(now); !batch.empty())
        owner.writing.spawn(loop, write(owner.shared_from_this(), *this, std::move(batch)));
    loop.cancel(*this);
    auto wake = queue.due(now);
    if (queue.oldest()) wake = std::min(wake.value_or(now + show_every), now + show_every);
    if (wake) loop.at(*wake, *this);
}

void effect_writer::impl::shard::tell() {
    auto done = queue.take_settled();
    if (done.empty()) return;
    std::uint64_t processed = 0, duplicates = 0;
    for (const settled& each : done)
        if (each.outcome) ++(*each.outcome == processing::processed ? processed : duplicates);
    owner.figures.processed.add(processed);
    owner.figures.duplicates.add(duplicates);
    owner.out(std::move(done));
    owner.wake_lane_waiters();
}

task<void> effect_writer::impl::shard::write(std::shared_ptr<impl> alive, shard& self,
                                             std::vector<effect> batch) {
    impl& owner = *alive;
    const steady_time began = owner.db.loop().steady_now();
    auto writing = owner.db.with_session<write_report>([&](store::session& on) {
        return [](store::session& s, mark_table& t, std::span<effect> b) -> task<result<write_report>> {
            co_return co_await write_effects(s, t, b);
        }(on, *owner.table, batch);
    });
    auto written = co_await writing;
    write_report report;
    if (written) {
        report = *std::move(written);
    } else {
        report.each.resize(batch.size());
        report.trouble = std::move(written.error());
    }
    (report.trouble ? owner.figures.trouble : owner.figures.committed).add();
    owner.note(report.trouble);
    const steady_time now = owner.db.loop().steady_now();
    owner.figures.took.observe(now - began);
    self.queue.written(std::move(batch), std::move(report), now, owner.random.uniform());
    if (owner.closing) self.queue.give_up(error(errc::stopped, {.operation = "write effects"}));
    self.turn();
    owner.show();
}

void effect_writer::impl::wake_lane_waiters() {
    std::vector<lane_idle*> ready;
    for (lane_idle* each : lane_waiters)
        if (!each->of.queue.has(each->lane)) ready.push_back(each);
    std::erase_if(lane_waiters, [](const lane_idle* each) { return !each->of.queue.has(each->lane); });
    for (lane_idle* each : ready)
        each->complete();
}

void effect_writer::impl::note(const std::optional<error>& failure) const {
    if (trouble) trouble->told(failure, db.loop().steady_now());
}

void effect_writer::impl::show() {
    std::size_t pending = 0;
    std::optional<steady_time> oldest;
    for (const auto& each : shards) {
        pending += each->queue.size();
        if (const auto since = each->queue.oldest()) oldest = std::min(oldest.value_or(*since), *since);
    }
    figures.pending.set(static_cast<double>(pending));
    const duration age = oldest ? db.loop().steady_now() - *oldest : duration{0};
    figures.oldest.set(std::chrono::duration<double>(age).count());
}

task<result<std::shared_ptr<marked_unit>>> effect_writer::impl::begin(std::shared_ptr<impl> self,
                                                                      event_mark mark, std::uint64_t lane) {
    self->take_in(); // what was added before may not have been taken in yet
    shard& of = self->shard_of(lane);
    of.queue.flush();
    of.turn();
    lane_idle idle(of, lane);
    co_await idle;
    if (self->closing) co_return fail(errc::stopped, {.operation = "write effects"});
    if (of.queue.closed(lane)) co_return fail(errc::effect_held);
    std::vector<event_mark> one;
    one.push_back(std::move(mark));
    co_return co_await begin_all(std::move(self), std::move(one));
}

task<result<std::shared_ptr<marked_unit>>> effect_writer::impl::begin_all(std::shared_ptr<impl> self,
                                                                          std::vector<event_mark> marks) {
    if (self->closing) co_return fail(errc::stopped, {.operation = "write effects"});
    for (event_mark& each : marks)
        each.group = self->group;
    unit_figures counts{self->figures.processed, self->figures.duplicates};
    auto opening = marked_unit::open(self->db, self->table, std::move(marks), std::move(counts));
    auto opened = co_await std::move(opening);
    self->note(opened ? std::nullopt : std::optional(opened.error()));
    co_return opened;
}

task<void> effect_writer::impl::end(std::shared_ptr<impl> self) {
    self->closing = true;
    self->take_in();
    if (auto failure = co_await self->writing.join()) std::rethrow_exception(failure);
    for (const auto& each : self->shards)
        self->db.loop().cancel(*each);
}

effect_writer::effect_writer(database& db, std::string group, sink to, const writer_settings& settings,
                             metrics* figures, write_trouble* trouble)
    : impl_(
          std::make_shared<impl>(db, std::move(group), std::move(to), checked(settings), figures, trouble)) {}

effect_writer::~effect_writer() { close(); }

void effect_writer::add(std::vector<effect> effects) {
    impl_->arrive([&](std::vector<impl::arrival>& to) {
        for (effect& each : effects)
            to.push_back({.what = std::move(each)});
    });
}

void effect_writer::add(effect one) {
    impl_->arrive([&](std::vector<impl::arrival>& to) { to.push_back({.what = std::move(one)}); });
}

void effect_writer::flush() {
    post_call(impl_->db.loop(), [self = impl_] {
        for (const auto& each : self->shards) {
            each->queue.flush();
            each->turn();
        }
    });
}

void effect_writer::reopen(std::uint64_t lane) {
    impl_->arrive(
        [lane](std::vector<impl::arrival>& to) { to.push_back({.what = {.lane = lane}, .reopens = true}); });
}

database_call<std::shared_ptr<marked_unit>> effect_writer::begin(event_mark mark, std::uint64_t lane) {
    return impl_->db.call(impl::begin(impl_, std::move(mark), lane));
}

database_call<std::shared_ptr<marked_unit>> effect_writer::begin_batch(std::vector<event_mark> marks) {
    return impl_->db.call(impl::begin_all(impl_, std::move(marks)));
}

void effect_writer::close() { wait_for(impl_->db.threads(), impl_->db.loop(), impl::end(impl_)); }

} // namespace corvid

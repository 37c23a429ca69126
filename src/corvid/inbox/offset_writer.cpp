// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/offset_writer.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/base/random.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/inbox/write_effects.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>
#include <unordered_map>

namespace corvid {

namespace {

using inbox_detail::offset_run;

const writer_settings& checked(const writer_settings& settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    return settings;
}

// What became of one transaction.
struct run_report {
    std::optional<error> failed = {};
    std::optional<std::size_t> culprit = {}; // an effect
    bool at_row = false;                     // the row's own statements failed
    bool sent = true;
};

task<result<run_report>> write_run(store::session& on, const partition_mark& of, bool row_known,
                                   const offset_run::range& run) {
    unit_of_work move;
    inbox_detail::record_move(move, on.dialect(), of, row_known, run.first, run.last);
    std::vector<unit_of_work*> units{&move};
    for (offset_effect* each : run.effects)
        units.push_back(&each->unit);
    store::transaction_state state;
    auto written = co_await store::write_units(on, state, units);
    if (written) co_return run_report{};
    run_report report{.failed = std::move(written.error().why)};
    if (const auto unit = written.error().unit) {
        report.at_row = *unit == 0;
        if (*unit > 0) report.culprit = *unit - 1;
    }
    co_return report;
}

} // namespace

// All on the database's loop.
struct offset_writer::impl : std::enable_shared_from_this<impl> {
    impl(database& d, std::string name, sink to, const writer_settings& s, metrics* into)
        : db(d),
          group(std::move(name)),
          out(std::move(to)),
          settings(s),
          limit(db.dialect().kind == store::database_kind::sqlite ? 1 : s.transactions),
          random(db.settings().seed ? db.settings().seed : entropy_seed()) {
        if (!into) return;
        processed = into->counter_of(metric::events_processed, {group});
        duplicates = into->counter_of(metric::events_duplicates, {group});
        pending = into->gauge_of(metric::inbox_pending, {group});
        committed = into->counter_of(metric::inbox_transactions, {group, "committed"});
        troubled = into->counter_of(metric::inbox_transactions, {group, "trouble"});
        took = into->histogram_of(metric::inbox_transaction_duration, {group});
    }

    // Stays alive while a transaction of it is under way.
    struct assignment {
        handle name;
        partition_mark mark;
        bool row_known;
        offset_run run;
        bool over = false;
    };
    using assignment_ptr = std::shared_ptr<assignment>;
    struct alarm : timer {
        explicit alarm(impl& i) noexcept
            : timer([](work& w) noexcept { static_cast<alarm&>(w).owner.turn(); }), owner(i) {}
        impl& owner;
    };

    void turn();
    void show();
    void tell(assignment& of, news what);
    [[nodiscard]] assignment* find(handle of);
    static task<void> write(std::shared_ptr<impl> self, assignment_ptr of, offset_run::range run);
    task<result<run_report>> attempt(const assignment& of, const offset_run::range& run);
    task<std::optional<bool>> was_committed(const assignment& of, const offset_run::range& run);
    void settle(assignment& of, const offset_run::range& run, const result<run_report>& report);
    void lose(assignment& of, const error& why);
    static task<void> end(std::shared_ptr<impl> self);

    template <class F>
    void post(F what) {
        post_call(db.loop(), [self = shared_from_this(), what = std::move(what)]() mutable {
            if (self->closing) return;
            what(*self);
            self->turn();
        });
    }

    database& db;
    const std::string group;
    const sink out;
    const writer_settings settings;
    const std::size_t limit;
    prng random;
    counter processed, duplicates, committed, troubled;
    gauge pending;
    histogram took;
    std::unordered_map<handle, assignment_ptr> partitions;
    std::size_t under_way = 0;
    alarm next_due{*this};
    task_scope writing;
    bool closing = false;
};

offset_writer::impl::assignment* offset_writer::impl::find(handle of) {
    const auto found = partitions.find(of);
    return found == partitions.end() ? nullptr : found->second.get();
}

// Starts what is due, who waited longest first, as far as transactions are free; sets the alarm for the next.
void offset_writer::impl::turn() {
    scheduler& loop = db.loop();
    for (const auto& [name, of] : partitions)
        tell(*of, {.of = name});
    loop.cancel(next_due);
    while (under_way < limit && !closing) {
        const assignment_ptr* first = nullptr;
        for (const auto& [name, of] : partitions)
            if (of->run.due() && (!first || *of->run.due() < *(*first)->run.due())) first = &of;
        if (!first) break;
        auto run = (*first)->run.take(loop.steady_now());
        if (!run) {
            loop.at(*(*first)->run.due(), next_due);
            break;
        }
        ++under_way;
        writing.spawn(loop, write(shared_from_this(), *first, *std::move(run)));
    }
    show();
}

void offset_writer::impl::show() {
    std::size_t waiting = 0;
    for (const auto& [name, of] : partitions)
        waiting += of->run.size();
    pending.set(static_cast<double>(waiting));
}

void offset_writer::impl::tell(assignment& of, news what) {
    what.effects = of.run.take_settled();
    for (const settled& each : what.effects)
        if (each.outcome) (*each.outcome == processing::processed ? processed : duplicates).add();
    if (!of.over && (!what.effects.empty() || what.next || what.lost)) out(std::move(what));
}

task<result<run_report>> offset_writer::impl::attempt(const assignment& of, const offset_run::range& run) {
    auto writing_run = db.with_session<run_report>(
        [&](store::session& on) { return write_run(on, of.mark, of.row_known, run); });
    co_return co_await writing_run;
}

// The row says what became of a COMMIT without an answer. None: it could not be read.
task<std::optional<bool>> offset_writer::impl::was_committed(const assignment& of,
                                                             const offset_run::range& run) {
    auto reading = read_position(db, of.mark);
    auto position = co_await reading;
    if (!position) co_return std::nullopt;
    co_return position->value_or(-1) == run.last;
}

task<void> offset_writer::impl::write(std::shared_ptr<impl> self, assignment_ptr of, offset_run::range run) {
    scheduler& loop = self->db.loop();
    const steady_time began = loop.steady_now();
    auto report = co_await self->attempt(*of, run);
    while (report && report->failed && report->failed->code() == errc::commit_unknown && !self->closing) {
        const auto there = co_await self->was_committed(*of, run);
        if (there) {
            report->failed.reset();
            if (!*there) report = fail(errc::database_busy); // as if it had not been tried
            break;
        }
        co_await sleep(self->settings.retry.delay(3, self->random.uniform()));
    }
    self->took.observe(loop.steady_now() - began);
    --self->under_way;
    self->settle(*of, run, report);
    self->turn();
}

void offset_writer::impl::settle(assignment& of, const offset_run::range& run,
                                 const result<run_report>& report) {
    const steady_time now = db.loop().steady_now();
    if (report && !report->failed) {
        committed.add();
        of.row_known = true;
        of.run.committed(now);
        tell(of, {.of = of.name, .next = run.last});
        return;
    }
    const error why = report ? *report->failed : report.error();
    if (report && report->at_row) {
        const error told = inbox_detail::told_of_move(of.mark, run.first, why);
        if (told.code() == errc::offset_moved) {
            lose(of, told);
            return;
        }
    }
    if (why.kind() == error_kind::retriable && !inbox_detail::is_own_trouble(why)) {
        troubled.add();
        of.run.trouble(why, report.has_value(), now, random.uniform());
    } else {
        of.run.refused(report ? report->culprit : std::nullopt, why, now, random.uniform());
    }
}

void offset_writer::impl::lose(assignment& of, const error& why) {
    of.run.give_up(why);
    (void)of.run.take_settled();
    tell(of, {.of = of.name, .lost = why});
    of.over = true;
    partitions.erase(of.name);
}

task<void> offset_writer::impl::end(std::shared_ptr<impl> self) {
    self->closing = true;
    self->db.loop().cancel(self->next_due);
    if (auto failure = co_await self->writing.join()) std::rethrow_exception(failure);
    self->partitions.clear();
}

offset_writer::offset_writer(database& db, std::string group, sink to, const writer_settings& settings,
                             metrics* figures)
    : impl_(std::make_shared<impl>(db, std::move(group), std::move(to), checked(settings), figures)) {}

offset_writer::~offset_writer() { close(); }

void offset_writer::assign(handle of, std::string topic, std::int32_t partition, std::int64_t next,
                           bool row_known) {
    impl_->post([of, topic = std::move(topic), partition, next, row_known](impl& self) mutable {
        self.partitions[of] = std::make_shared<impl::assignment>(impl::assignment{
            of, {self.group, std::move(topic), partition}, row_known, offset_run(self.settings, next)});
    });
}

void offset_writer::revoke(handle of) {
    impl_->post([of](impl& self) {
        if (auto* known = self.find(of)) known->over = true;
        self.partitions.erase(of);
    });
}

void offset_writer::add(handle of, std::vector<offset_effect> effects) {
    impl_->post([of, kept = std::move(effects)](impl& self) mutable {
        if (auto* known = self.find(of))
            for (offset_effect& each : kept)
                known->run.add(std::move(each));
    });
}

void offset_writer::complete(handle of, std::int64_t below) {
    impl_->post([of, below](impl& self) {
        if (auto* known = self.find(of)) known->run.complete(below, self.db.loop().steady_now());
    });
}

void offset_writer::drop(handle of, std::int64_t offset) {
    impl_->post([of, offset](impl& self) {
        if (auto* known = self.find(of)) known->run.drop(offset);
    });
}

void offset_writer::flush() {
    impl_->post([](impl& self) {
        for (const auto& [name, of] : self.partitions)
            of->run.flush();
    });
}

void offset_writer::close() { wait_for(impl_->db.threads(), impl_->db.loop(), impl::end(impl_)); }

} // namespace corvid

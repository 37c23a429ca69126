// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/by_offset/offset_writer.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/base/sleep.hpp>
#include <corvid/inbox/by_offset/offset_writer_impl.hpp>
#include <corvid/inbox/write_effects.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>

namespace corvid {

namespace {

using inbox_detail::offset_run;

// How long the longest has waited changes while nothing happens.
constexpr duration show_every = std::chrono::seconds(1);

writer_settings checked(const writer_settings& settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    return settings;
}

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

offset_writer::impl::impl(database& d, std::string name, sink to, const writer_settings& s, metrics* into,
                          write_trouble* note)
    : db(d),
      group(std::move(name)),
      out(std::move(to)),
      settings(s),
      limit(db.dialect().kind == store::database_kind::sqlite ? 1 : s.transactions),
      random(db.settings().seed ? db.settings().seed : entropy_seed()),
      trouble(note) {
    if (!into) return;
    processed = into->counter_of(metric::events_processed, {group});
    duplicates = into->counter_of(metric::events_duplicates, {group});
    pending = into->gauge_of(metric::inbox_pending, {group});
    oldest = into->gauge_of(metric::inbox_oldest, {group});
    committed = into->counter_of(metric::inbox_transactions, {group, "committed"});
    troubled = into->counter_of(metric::inbox_transactions, {group, "trouble"});
    took = into->histogram_of(metric::inbox_transaction_duration, {group});
}

offset_writer::impl::assignment_ptr offset_writer::impl::find(handle of) const {
    const auto found = partitions.find(of);
    return found == partitions.end() ? nullptr : found->second;
}

// --- what comes -------------------------------------------------------------------------------------------

template <class F>
void offset_writer::impl::arrive(F&& put) {
    if (arrived.fill(std::forward<F>(put)))
        post_call(db.loop(), [self = shared_from_this()] { self->take_in(); });
}

void offset_writer::impl::arrive_one(arrival one) {
    arrive([&](std::vector<arrival>& to) { to.push_back(std::move(one)); });
}

void offset_writer::impl::take_in() {
    std::vector<arrival> came = arrived.take();
    for (arrival& each : came)
        take(each);
    turn();
}

void offset_writer::impl::take(arrival& each) {
    const steady_time now = db.loop().steady_now();
    if (each.what == kind::assign) {
        if (closing) each.fresh->run.cut_from(0);
        partitions[each.of] = std::move(each.fresh);
        return;
    }
    if (each.what == kind::flush) {
        for (const auto& [name, of] : partitions)
            of->run.flush();
        return;
    }
    const assignment_ptr of = find(each.of);
    if (!of) {
        if (each.what == kind::add || each.what == kind::hand_in) give_back(each.of, each.effect.tag);
        return;
    }
    offset_run& run = of->run;
    switch (each.what) {
    case kind::revoke:
        run.cut_from(0);
        tell(*of, {.of = of->name});
        if (!run.busy()) partitions.erase(each.of);
        break;
    case kind::expect:
        return run.expect(each.records.first, each.records.last);
    case kind::add:
        return run.add(std::move(each.effect));
    case kind::hand_in:
        return run.hand_in(std::move(each.effect), now);
    case kind::complete:
        return run.complete(each.records.last, now);
    case kind::drop:
        return run.drop(each.records.first);
    case kind::take_back:
        return run.take_back(each.records.first);
    case kind::cut:
        return run.cut_from(each.records.first);
    default:
        break;
    }
}

// --- what goes --------------------------------------------------------------------------------------------

// Starts what is due, who waited longest first, as far as transactions are free; sets the alarm for the next.
void offset_writer::impl::turn() {
    scheduler& loop = db.loop();
    for (const auto& [name, of] : partitions)
        tell(*of, {.of = name});
    loop.cancel(next_due);
    std::optional<steady_time> next;
    while (under_way < limit && !closing) {
        const assignment_ptr* first = nullptr;
        for (const auto& [name, of] : partitions)
            if (of->run.due() && (!first || *of->run.due() < *(*first)->run.due())) first = &of;
        if (!first) break;
        auto run = (*first)->run.take(loop.steady_now());
        if (!run) {
            next = (*first)->run.due();
            break;
        }
        ++under_way;
        writing.spawn(loop, write(shared_from_this(), *first, *std::move(run)));
    }
    wake_who_waits();
    if (const steady_time again = loop.steady_now() + show_every; show())
        next = std::min(next.value_or(again), again);
    if (next) loop.at(*next, next_due);
}

bool offset_writer::impl::show() {
    const steady_time now = db.loop().steady_now();
    std::size_t waiting = 0;
    duration longest{0};
    for (const auto& [name, of] : partitions) {
        waiting += of->run.size();
        if (const auto since = of->run.waiting_since()) longest = std::max(longest, now - *since);
    }
    pending.set(static_cast<double>(waiting));
    oldest.set(std::chrono::duration<double>(longest).count());
    return waiting > 0;
}

void offset_writer::impl::note(const std::optional<error>& failure) const {
    if (trouble) trouble->told(failure, db.loop().steady_now());
}

void offset_writer::impl::tell(assignment& of, news what) {
    what.effects = of.run.take_settled();
    for (const settled& each : what.effects)
        if (each.outcome) (*each.outcome == processing::processed ? processed : duplicates).add();
    if (!what.effects.empty() || what.next || what.lost) out(std::move(what));
}

void offset_writer::impl::give_back(handle of, std::uint64_t tag) {
    news what{.of = of};
    what.effects.push_back({tag, fail(errc::effect_held)});
    out(std::move(what));
}

task<result<run_report>> offset_writer::impl::attempt(const assignment& of, const offset_run::range& run) {
    auto writing_run = db.with_session<run_report>(
        [&](store::session& on) { return write_run(on, of.mark, of.row_known, run); });
    co_return co_await writing_run;
}

// Whoever moved the row that far: the effects below it are there.
task<std::optional<bool>> offset_writer::impl::was_committed(const assignment& of, std::int64_t last) {
    auto reading = read_position(db, of.mark);
    auto position = co_await reading;
    if (!position) co_return std::nullopt;
    co_return position->value_or(-1) >= last;
}

task<void> offset_writer::impl::write(std::shared_ptr<impl> self, assignment_ptr of, offset_run::range run) {
    scheduler& loop = self->db.loop();
    const steady_time began = loop.steady_now();
    auto report = co_await self->attempt(*of, run);
    while (report && report->failed && report->failed->code() == errc::commit_unknown && !self->closing) {
        const auto there = co_await self->was_committed(*of, run.last);
        if (there) {
            report->failed.reset();
            if (!*there) report = fail(errc::database_busy); // as if it had not been tried
            break;
        }
        co_await sleep(self->settings.retry.delay(3, self->random.uniform()));
    }
    self->took.observe(loop.steady_now() - began);
    const bool moved =
        report && report->failed && report->at_row &&
        inbox_detail::told_of_move(of->mark, run.first, *report->failed).code() == errc::offset_moved;
    if (moved)
        co_await self->look_again(*of, run.first,
                                  inbox_detail::told_of_move(of->mark, run.first, *report->failed));
    else
        self->settle(*of, run, report);
    --self->under_way;
    if (of->run.is_cut_at(0)) { // revoked, or closing
        self->tell(*of, {.of = of->name});
        self->partitions.erase(of->name);
    }
    self->turn();
}

void offset_writer::impl::settle(assignment& of, const offset_run::range& run,
                                 const result<run_report>& report) {
    const steady_time now = db.loop().steady_now();
    note(report ? report->failed : std::optional(report.error()));
    if (report && !report->failed) {
        committed.add();
        of.row_known = true;
        of.run.committed(now);
        tell(of, {.of = of.name, .next = run.last});
        return;
    }
    const error why = report ? *report->failed : report.error();
    const auto whose = inbox_detail::blame_for(why);
    const bool waits_at_row = report && report->at_row && why.kind() == error_kind::retriable;
    if (whose != inbox_detail::blame::record || waits_at_row) {
        troubled.add();
        of.run.trouble(why, whose == inbox_detail::blame::anybody && report.has_value(), now,
                       random.uniform());
    } else {
        of.run.refused(report ? report->culprit : std::nullopt, why, now, random.uniform());
    }
}

// What others wrote is the effect of the same records: what is here from the row on is as good as if it had
// been read anew. Of rows that were to be moved together some are where they were.
task<void> offset_writer::impl::look_again(assignment& of, std::int64_t first, const error& why) {
    auto reading = read_position(db, of.mark);
    auto row = co_await reading;
    if (!row) {
        note(row.error());
        troubled.add();
        of.run.trouble(row.error(), false, db.loop().steady_now(), random.uniform());
    } else if (*row && **row > first) {
        of.row_known = true;
        of.run.moved_to(**row);
        tell(of, {.of = of.name, .next = *row});
    } else if (*row ? **row == first : !of.row_known) {
        of.row_known = row->has_value();
        of.run.put_back();
    } else {
        lose(of, why);
    }
}

void offset_writer::impl::lose(assignment& of, const error& why) {
    of.run.put_back();
    of.run.cut_from(0);
    tell(of, {.of = of.name, .lost = why});
}

task<void> offset_writer::impl::read(std::shared_ptr<impl> self, partition_mark of,
                                     std::function<void(result<std::optional<std::int64_t>>)> then) {
    auto reading = read_position(self->db, of);
    auto row = co_await reading;
    then(std::move(row));
}

task<void> offset_writer::impl::end(std::shared_ptr<impl> self) {
    self->closing = true;
    self->take_in();
    for (const auto& [name, of] : self->partitions)
        of->run.cut_from(0);
    self->turn();
    if (auto failure = co_await self->writing.join()) std::rethrow_exception(failure);
    self->db.loop().cancel(self->next_due);
    self->partitions.clear();
}

// --- the writer -------------------------------------------------------------------------------------------

offset_writer::offset_writer(database& db, std::string group, sink to, const writer_settings& settings,
                             metrics* figures, write_trouble* trouble)
    : impl_(
          std::make_shared<impl>(db, std::move(group), std::move(to), checked(settings), figures, trouble)) {}

offset_writer::~offset_writer() { close(); }

void offset_writer::read(std::string topic, std::int32_t partition,
                         std::function<void(result<std::optional<std::int64_t>>)> then) {
    post_call(impl_->db.loop(), [self = impl_, of = partition_mark{impl_->group, std::move(topic), partition},
                                 then = std::move(then)]() mutable {
        if (self->closing) return then(fail(errc::stopped, {.operation = "read the position"}));
        self->writing.spawn(self->db.loop(), impl::read(self, std::move(of), std::move(then)));
    });
}

void offset_writer::assign(handle of, std::string topic, std::int32_t partition, std::int64_t next,
                           bool row_known) {
    impl_->arrive_one({.what = impl::kind::assign,
                       .of = of,
                       .fresh = std::make_shared<impl::assignment>(
                           impl::assignment{of,
                                            {impl_->group, std::move(topic), partition},
                                            row_known,
                                            offset_run(impl_->settings, next)})});
}

void offset_writer::revoke(handle of) { impl_->arrive_one({.what = impl::kind::revoke, .of = of}); }

void offset_writer::add(handle of, std::vector<offset_effect> effects) {
    impl_->arrive([&](std::vector<impl::arrival>& to) {
        for (offset_effect& each : effects)
            to.push_back({.what = impl::kind::add, .of = of, .effect = std::move(each)});
    });
}

void offset_writer::hand_in(handle of, offset_effect what) {
    impl_->arrive_one({.what = impl::kind::hand_in, .of = of, .effect = std::move(what)});
}

void offset_writer::expect(handle of, std::vector<span> records) {
    impl_->arrive([&](std::vector<impl::arrival>& to) {
        for (const span& each : records)
            to.push_back({.what = impl::kind::expect, .of = of, .records = each});
    });
}

void offset_writer::complete(handle of, std::int64_t below) {
    impl_->arrive_one({.what = impl::kind::complete, .of = of, .records = {0, below}});
}

void offset_writer::drop(handle of, std::int64_t offset) {
    impl_->arrive_one({.what = impl::kind::drop, .of = of, .records = {offset, offset + 1}});
}

void offset_writer::take_back(handle of, std::int64_t offset) {
    impl_->arrive_one({.what = impl::kind::take_back, .of = of, .records = {offset, offset + 1}});
}

void offset_writer::cut_from(handle of, std::int64_t offset) {
    impl_->arrive_one({.what = impl::kind::cut, .of = of, .records = {offset, offset}});
}

void offset_writer::flush() { impl_->arrive_one({.what = impl::kind::flush}); }

database_call<std::shared_ptr<asked_batch>> offset_writer::begin(std::vector<stretch> all,
                                                                 duration patience) {
    return impl_->db.call(impl::begin(impl_, std::move(all), patience));
}

void offset_writer::close() { wait_for(impl_->db.threads(), impl_->db.loop(), impl::end(impl_)); }

} // namespace corvid

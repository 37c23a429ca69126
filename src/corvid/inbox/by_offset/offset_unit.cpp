// SPDX-License-Identifier: Apache-2.0
//
// Runs that their own handler writes: of one record that asks, or of a batch, from several partitions. Who
// asks has moved the rows first, so that another owner waits, or has been faster, before there is an answer;
// what is only recorded goes with the rows in one flight.
#include <corvid/base/post_call.hpp>
#include <corvid/inbox/by_offset/offset_writer_impl.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <tuple>

namespace corvid {

// --- waiting for the row ----------------------------------------------------------------------------------

bool offset_writer::impl::its_turn::is_there() const {
    return owner.closing || of->run.is_cut_at(at) || of->run.next() > at || of->run.is_next(at);
}

bool offset_writer::impl::its_turn::start() {
    if (is_there()) return false;
    owner.waiters.push_back(this);
    owner.db.loop().at(owner.db.loop().steady_now() + patience, over);
    return true;
}

void offset_writer::impl::its_turn::limit::run_out(work& w) noexcept {
    its_turn& waits = static_cast<limit&>(w).waits;
    std::erase(waits.owner.waiters, &waits);
    waits.complete();
}

// One of them goes on at a time: it may take the run.
void offset_writer::impl::wake_who_waits() {
    std::vector<its_turn*> ready;
    std::erase_if(waiters, [&](its_turn* each) {
        if (!each->is_there()) return false;
        ready.push_back(each);
        return true;
    });
    for (its_turn* each : ready) {
        db.loop().cancel(each->over);
        each->complete();
    }
}

// --- the transaction --------------------------------------------------------------------------------------

class offset_writer::unit final : public asked_batch {
public:
    explicit unit(std::shared_ptr<impl> by) : by_(std::move(by)) {}
    ~unit() override {
        if (!is_taken_) return;
        held_.reset(); // its ROLLBACK goes before whatever is written next
        post_call(by_->db.loop(), [by = by_, parts = std::move(parts_)] {
            for (const part& each : parts)
                each.of->run.put_back();
            ended(*by, parts);
        });
    }
    unit(const unit&) = delete;
    unit& operator=(const unit&) = delete;

    // On the database's loop; each partition's once. False: something else is to be written before them.
    [[nodiscard]] bool take(const impl::assignment_ptr& of, std::span<const std::int64_t> offsets) {
        part its{.of = of, .first = of->run.next(), .last = offsets.back() + 1};
        for (const std::int64_t each : offsets) {
            records_.push_back({each < its.first ? none : parts_.size(), each});
            its.records += each >= its.first;
        }
        if (its.records == 0) return true;
        if (!of->run.take_alone(std::max(its.first, offsets[offsets.size() - its.records]), its.last))
            return false;
        is_taken_ = true;
        parts_.push_back(std::move(its));
        return true;
    }
    // Two processes move their rows in one order.
    void is_complete() {
        for (const part& each : parts_)
            in_order_.push_back(&each);
        std::ranges::sort(in_order_, {}, [](const part* each) {
            return std::tie(each->of->mark.topic, each->of->mark.partition);
        });
    }

    [[nodiscard]] bool any_new() const noexcept override { return is_taken_; }
    [[nodiscard]] bool is_new(std::size_t index) const noexcept override {
        return records_[index].of != none;
    }
    void leave_out(std::size_t index) override {
        const record& one = records_[index];
        if (one.of != none) parts_[one.of].last = std::min(parts_[one.of].last, one.at);
    }

    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& recorded,
                                                  store::statement question) override {
        if (!is_taken_) co_return fail(errc::already_processed, {.operation = "query"});
        if (!held_) {
            auto beginning = by_->db.call(begin(*this));
            auto begun = co_await beginning;
            if (!begun) co_return fail(std::move(begun.error()));
        }
        std::vector<store::statement> flight(recorded.unsent().begin(), recorded.unsent().end());
        flight.push_back(std::move(question));
        auto asking = held_->ask(std::move(flight));
        auto answered = co_await asking;
        if (answered) recorded.all_sent();
        co_return answered;
    }

    // What was asked may have another answer by now, so nothing is repeated here.
    [[nodiscard]] task<result<processing>> commit(unit_of_work& recorded) override {
        if (!is_taken_) co_return processing::already_processed;
        result<void> committed;
        if (held_) {
            for (const part* each : in_order_) // back to where it was left out
                if (each->last != each->moved_to) move(recorded, *each, true, each->moved_to, each->last);
            auto committing = held_->commit_with(recorded);
            committed = co_await committing;
        } else {
            auto writing = by_->db.call(write(*this, recorded));
            committed = co_await writing;
        }
        auto passing = by_->db.call(pass(*this, std::move(committed)));
        co_return co_await passing;
    }

private:
    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    struct part {
        impl::assignment_ptr of;
        std::int64_t first, last;
        std::size_t records = 0;
        std::int64_t moved_to = 0; // by what was sent
        [[nodiscard]] bool moves() const noexcept { return last > first; }
    };
    struct record {
        std::size_t of;
        std::int64_t at;
    };

    void move(unit_of_work& into, const part& each, bool row_known, std::int64_t from,
              std::int64_t to) const {
        inbox_detail::record_move(into, by_->db.dialect(), each.of->mark, row_known, from, to);
    }
    [[nodiscard]] unit_of_work moves() const {
        unit_of_work all;
        for (const part* each : in_order_)
            if (each->moves()) move(all, *each, each->of->row_known, each->first, each->last);
        return all;
    }
    [[nodiscard]] error told_of_move(const error& why) const {
        return inbox_detail::told_of_move(in_order_.front()->of->mark, in_order_.front()->first, why);
    }

    static void ended(impl& by, std::span<const part> parts) {
        for (const part& each : parts)
            if (each.of->run.is_cut_at(0)) {
                by.tell(*each.of, {.of = each.of->name});
                by.partitions.erase(each.of->name);
            }
        by.turn();
    }

    // These on the database's loop.
    static task<result<void>> begin(unit& self) {
        unit_of_work all = self.moves();
        auto beginning = self.by_->db.begin(
            [&all](store::session& on, store::transaction_state& state) { return begin_on(on, state, all); });
        auto begun = co_await beginning;
        if (!begun) {
            self.by_->note(begun.error());
            error why = self.told_of_move(begun.error());
            if (why.code() == errc::offset_moved) co_await look_again(self, why);
            co_return fail(std::move(why));
        }
        self.by_->note(std::nullopt);
        self.held_.emplace(*std::move(begun));
        for (part& each : self.parts_)
            each.moved_to = each.last;
        co_return result<void>{};
    }
    static task<result<void>> begin_on(store::session& on, store::transaction_state& state,
                                       unit_of_work& all) {
        std::vector<store::statement> flight = on.begin_held();
        flight.insert(flight.end(), all.recorded().begin(), all.recorded().end());
        if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
        co_return state.answered(co_await on.run(flight));
    }
    static task<result<void>> write(unit& self, unit_of_work& recorded) {
        unit_of_work all = self.moves();
        auto writing = self.by_->db.with_session<run_report>(
            [&](store::session& on) { return write_both(on, all, recorded); });
        auto report = co_await writing;
        self.by_->note(report ? report->failed : std::optional(report.error()));
        if (!report) co_return fail(std::move(report.error()));
        if (!report->failed) co_return result<void>{};
        if (!report->at_row) co_return fail(*std::move(report->failed));
        error why = self.told_of_move(*report->failed);
        if (why.code() == errc::offset_moved) co_await look_again(self, why);
        co_return fail(std::move(why));
    }
    static task<result<run_report>> write_both(store::session& on, unit_of_work& rows,
                                               unit_of_work& recorded) {
        const std::array<unit_of_work*, 2> units{&rows, &recorded};
        store::transaction_state state;
        auto written = co_await store::write_units(on, state, units);
        if (written) co_return run_report{};
        const bool at_row = written.error().unit && *written.error().unit == 0;
        co_return run_report{.failed = std::move(written.error().why), .at_row = at_row};
    }
    static task<void> look_again(unit& self, const error& why) {
        self.is_taken_ = false;
        for (const part& each : self.parts_)
            co_await self.by_->look_again(*each.of, each.first, why);
        ended(*self.by_, self.parts_);
    }
    // The rows have moved, or it is not known whether they have.
    static task<result<processing>> pass(unit& self, result<void> committed) {
        impl& by = *self.by_;
        const auto moved = std::ranges::find_if(self.parts_, &part::moves);
        if (!committed && committed.error().code() == errc::commit_unknown && moved != self.parts_.end()) {
            const auto there = co_await by.was_committed(*moved->of, moved->last);
            if (there && *there)
                committed = {};
            else if (there)
                committed = fail(errc::database_busy, {.operation = "commit"});
        }
        if (!committed) co_return fail(std::move(committed.error()));
        self.is_taken_ = false;
        self.held_.reset();
        by.committed.add();
        for (const part& each : self.parts_)
            self.settle(each);
        ended(by, self.parts_);
        co_return processing::processed;
    }
    void settle(const part& each) const {
        impl::assignment& of = *each.of;
        if (!each.moves()) return of.run.put_back();
        of.row_known = true;
        of.run.shorten(each.last);
        of.run.committed(by_->db.loop().steady_now());
        const auto index = static_cast<std::size_t>(&each - parts_.data());
        by_->processed.add(static_cast<std::uint64_t>(std::ranges::count_if(
            records_, [&](const record& one) { return one.of == index && one.at < each.last; })));
        by_->tell(of, {.of = of.name, .next = of.run.next()});
    }

    std::shared_ptr<impl> by_;
    std::vector<part> parts_;
    std::vector<record> records_;
    std::vector<const part*> in_order_;
    bool is_taken_ = false;
    std::optional<transaction> held_;
};

task<result<std::shared_ptr<asked_batch>>> offset_writer::impl::begin(std::shared_ptr<impl> self,
                                                                      std::vector<stretch> all,
                                                                      duration patience) {
    for (const stretch& each : all) {
        const assignment_ptr its = self->find(each.of);
        if (!its || self->closing) co_return fail(errc::effect_held);
        if (!its->run.is_next(each.offsets.front())) {
            its->run.flush();
            self->turn();
        }
        its_turn waiting(*self, its, each.offsets.front(), patience);
        co_await waiting;
    }
    const auto made = std::make_shared<unit>(self);
    for (const stretch& each : all) {
        const assignment_ptr its = self->find(each.of);
        if (!its || self->closing || !made->take(its, each.offsets)) co_return fail(errc::effect_held);
    }
    made->is_complete();
    co_return made;
}

} // namespace corvid

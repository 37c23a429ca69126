// SPDX-License-Identifier: Apache-2.0
//
// A run of one: the transaction of a record that asks. The row moves first, so that another owner waits, or
// has been faster, before the handler has its first answer.
#include <corvid/base/post_call.hpp>
#include <corvid/inbox/by_offset/offset_writer_impl.hpp>

#include <algorithm>

namespace corvid {

// --- waiting for the row ----------------------------------------------------------------------------------

bool offset_writer::impl::its_turn::is_there() const {
    return owner.closing || of->run.is_cut_at(at) || of->run.next() > at ||
           (of->run.next() == at && !of->run.busy());
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

class offset_writer::unit final : public asked_unit {
public:
    unit(std::shared_ptr<impl> by, impl::assignment_ptr of, std::int64_t offset)
        : by_(std::move(by)), of_(std::move(of)), offset_(offset) {}
    ~unit() override {
        if (!has_run_) return;
        held_.reset(); // its ROLLBACK goes before whatever is written next
        post_call(by_->db.loop(), [by = by_, of = of_] {
            of->run.put_back();
            ended(*by, *of);
        });
    }
    unit(const unit&) = delete;
    unit& operator=(const unit&) = delete;

    // The run is taken.
    task<result<void>> begin() {
        has_run_ = true;
        auto beginning = by_->db.begin();
        auto begun = co_await beginning;
        if (!begun) co_return fail(std::move(begun.error()));
        unit_of_work move;
        inbox_detail::record_move(move, by_->db.dialect(), of_->mark, of_->row_known, offset_, offset_ + 1);
        std::vector<store::statement> flight(move.recorded().begin(), move.recorded().end());
        held_.emplace(*std::move(begun));
        auto moving = held_->ask(std::move(flight));
        auto moved = co_await moving;
        if (moved) co_return result<void>{};
        error why = inbox_detail::told_of_move(of_->mark, offset_, moved.error());
        held_.reset();
        if (why.code() == errc::offset_moved) {
            has_run_ = false;
            co_await by_->look_again(*of_, offset_, why);
            ended(*by_, *of_);
        }
        co_return fail(std::move(why));
    }

    [[nodiscard]] bool any_new() const noexcept override { return held_.has_value(); }

    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& recorded,
                                                  store::statement question) override {
        if (!held_) co_return fail(errc::already_processed, {.operation = "query"});
        std::vector<store::statement> flight(recorded.unsent().begin(), recorded.unsent().end());
        flight.push_back(std::move(question));
        auto asking = held_->ask(std::move(flight));
        auto answered = co_await asking;
        if (answered) recorded.all_sent();
        co_return answered;
    }

    // What was asked may have another answer by now, so nothing is repeated here.
    [[nodiscard]] task<result<processing>> commit(unit_of_work& recorded) override {
        if (!held_) co_return processing::already_processed;
        auto committing = held_->commit_with(recorded);
        auto committed = co_await committing;
        if (!committed && committed.error().code() == errc::commit_unknown) {
            auto looking = by_->db.call(look(*by_, *of_, offset_ + 1));
            auto looked = co_await looking;
            if (!looked) co_return fail(std::move(committed.error()));
            if (*looked)
                committed = {};
            else
                committed = fail(errc::database_busy, {.operation = "commit"});
        }
        if (!committed) co_return fail(std::move(committed.error()));
        has_run_ = false;
        held_.reset();
        auto passing = by_->db.call(pass(by_, of_));
        auto passed = co_await passing;
        if (!passed) co_return fail(std::move(passed.error()));
        co_return processing::processed;
    }

private:
    static void ended(impl& by, impl::assignment& of) {
        if (of.run.is_cut_at(0)) {
            by.tell(of, {.of = of.name});
            by.partitions.erase(of.name);
        }
        by.turn();
    }
    static task<result<bool>> look(impl& by, const impl::assignment& of, std::int64_t last) {
        const auto there = co_await by.was_committed(of, last);
        if (!there) co_return fail(errc::database_unreachable);
        co_return *there;
    }
    // On the database's loop: the row has moved.
    static task<result<void>> pass(std::shared_ptr<impl> by, impl::assignment_ptr of) {
        of->row_known = true;
        of->run.committed(by->db.loop().steady_now());
        by->processed.add();
        by->committed.add();
        by->tell(*of, {.of = of->name, .next = of->run.next()});
        ended(*by, *of);
        co_return result<void>{};
    }

    std::shared_ptr<impl> by_;
    impl::assignment_ptr of_;
    std::int64_t offset_;
    bool has_run_ = false;
    std::optional<transaction> held_;
};

task<result<std::shared_ptr<asked_unit>>> offset_writer::impl::begin(std::shared_ptr<impl> self, handle of,
                                                                     std::int64_t offset, duration patience) {
    const assignment_ptr its = self->find(of);
    if (!its || self->closing) co_return fail(errc::effect_held);
    its->run.flush();
    self->turn();
    its_turn waiting(*self, its, offset, patience);
    co_await waiting;
    const auto made = std::make_shared<unit>(self, its, offset);
    if (its->run.next() > offset) co_return made;
    if (self->closing || !its->run.take_alone(offset)) co_return fail(errc::effect_held);
    auto begun = co_await made->begin();
    if (begun || its->run.next() > offset) co_return made;
    co_return fail(std::move(begun.error()));
}

} // namespace corvid

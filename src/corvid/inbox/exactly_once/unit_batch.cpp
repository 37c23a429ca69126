// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/unit_batch.hpp>

#include <corvid/lanes/failure_policy.hpp>

#include <algorithm>

namespace corvid {

task<bool> unit_batch::begin() {
    auto beginning = by_.begin(of_, range_);
    auto begun = co_await std::move(beginning);
    if (!begun) {
        failed(begun.error());
        co_return false;
    }
    opened_ = *std::move(begun);
    kept_.resize(range_.size());
    for (std::size_t i = 0; i < range_.size(); ++i) {
        kept_[i] = opened_->is_new(i);
        if (kept_[i])
            numbers_.push_back(i);
        else
            of_.say(range_.from + i, done);
    }
    if (numbers_.empty()) {
        unit_of_work nothing;
        auto ending = opened_->commit(nothing);
        static_cast<void>(co_await std::move(ending)); // there is none
        co_return false;
    }
    range_ = of_.keep(range_, kept_);
    unit_.emplace(std::shared_ptr<unit_reader>(std::shared_ptr<void>(), this)); // which outlives it
    co_return true;
}

task<result<store::answer>> unit_batch::ask(unit_of_work& unit, store::statement question) {
    auto asking = opened_->ask(unit, std::move(question));
    auto answer = co_await std::move(asking);
    if (!answer && !refused_) refused_ = answer.error();
    co_return answer;
}

void unit_batch::answer(const batch_outcomes& each) {
    if (each.size() != range_.size()) return answer(batch_attempt::wrong_size(each.size(), range_.size()));
    for (std::size_t i = 0; i < each.size(); ++i)
        said_.push_back(each[i]);
}

// No record's doing: all come again, together.
void unit_batch::set_back(const error& why) {
    for (std::size_t i = range_.from; i < range_.to; ++i)
        of_.say(i, failure_policy::outcome_of(error(why)));
}

void unit_batch::failed(const error& why) {
    if (!by_.is_attempt(why)) return set_back(why);
    of_.failed(range_, failure_policy::outcome_of(error(why)));
}

std::vector<bool> unit_batch::behind_failed() const {
    std::vector<bool> behind(range_.size());
    bool failed = false;
    for (std::size_t i = 0; i < range_.size(); ++i) {
        failed = failed && i > 0 && of_.is_behind(range_.from + i, range_.from + i - 1);
        behind[i] = failed;
        const bool holds = said_[i] != verdict::dead_letter || by_.keeps_the_order_of_all();
        failed = failed || (!is_over(said_[i]) && holds);
    }
    return behind;
}

// What was recorded is the effect of those that are done, all of it: none of them may have to wait.
bool unit_batch::can_be_written(const std::vector<bool>& behind) const {
    for (std::size_t i = 0; i < said_.size(); ++i)
        if (behind[i] && is_over(said_[i])) return false;
    return true;
}

void unit_batch::call_others_again(const std::vector<bool>& behind) {
    called_again_.resize(range_.size());
    for (std::size_t i = 0; i < range_.size(); ++i) {
        called_again_[i] = is_over(said_[i]) && !behind[i];
        if (!is_over(said_[i]) && !behind[i]) of_.say(range_.from + i, said_[i]);
    }
    of_.again(of_.keep(range_, called_again_));
}

task<void> unit_batch::write() {
    const auto says = [this](verdict which) {
        return std::ranges::any_of(said_, [which](const outcome& each) { return each == which; });
    };
    if (!says(verdict::done)) unit_->clear();
    if (!says(verdict::done) && unit_->asked()) { // what it wrote before it asked goes
        opened_.reset();
        auto beginning = by_.begin(of_, range_);
        auto begun = co_await std::move(beginning);
        if (!begun) co_return failed(begun.error());
        opened_ = *std::move(begun);
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            numbers_[i] = i;
    }
    for (std::size_t i = 0; i < said_.size(); ++i)
        if (!is_over(said_[i])) opened_->leave_out(numbers_[i]);
    if (says(verdict::done) || says(verdict::skip)) {
        auto writing = opened_->commit(*unit_);
        auto written = co_await std::move(writing);
        if (!written) co_return failed(written.error());
    }
    for (std::size_t i = 0; i < said_.size(); ++i)
        of_.say(range_.from + i, said_[i]);
}

task<void> unit_batch::end(batch_context& ctx) {
    if (whole_ && !is_over(*whole_) && !refused_) {
        of_.failed(range_, *whole_);
        co_return;
    }
    if (refused_) {
        failed(*refused_);
        co_return;
    }
    auto acknowledging = ctx.acknowledged();
    auto unpublished = co_await std::move(acknowledging);
    for (auto& each : unpublished)
        if (is_over(said_[each.which])) said_[each.which] = std::move(each.why);
    const std::vector<bool> behind = behind_failed();
    if (!can_be_written(behind)) {
        call_others_again(behind);
        co_return;
    }
    auto writing = write();
    co_await std::move(writing);
}

} // namespace corvid

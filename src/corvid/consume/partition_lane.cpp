// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/partition_lane.hpp>

#include <corvid/consume/context.hpp>
#include <corvid/consume/group_loop.hpp>

namespace corvid {

partition_lane::back_off_timer::back_off_timer(partition_lane& l) noexcept
    : timer([](work& w) noexcept {
          auto& self = static_cast<back_off_timer&>(w).lane;
          group_loop& owner = self.owner_;
          self.run_.try_again();
          self.launch();
          owner.ready(); // it may have ended already, with more to take
      }),
      lane(l) {}

partition_lane::partition_lane(group_loop& owner, scheduler& loop, broker::assigned_partition which,
                               subscription& reader, const std::string& group)
    : owner_(owner),
      loop_(loop),
      slot_(which.id),
      reader_(reader),
      origin_{.where = std::move(which.where), .group = &group, .log = &owner.log_, .stop = stop_.token()},
      run_(loop, &partition_lane::ended, this),
      timer_(*this) {}

std::int64_t partition_lane::begin(record_batch batch) {
    const offset first(batch.records().front().offset);
    const std::int64_t missing = expected_ ? first.value - expected_->value : 0;
    expected_ = first;
    run_.reset(std::move(batch), origin_);
    reported_ = reported_skips_ = 0;
    launch();
    return missing;
}

void partition_lane::launch() {
    state_ = state::running;
    if (run_.start(*reader_.handle)) owner_.run_ended(*this);
}

void partition_lane::ended(work& node) noexcept {
    auto& lane = *static_cast<partition_lane*>(static_cast<run&>(node).owner_);
    group_loop& owner = lane.owner_;
    owner.run_ended(lane); // a leftover is gone after this
    owner.ready();
}

std::optional<offset> partition_lane::frontier() const noexcept {
    const std::size_t count = run_.index();
    if (count == 0) return expected_;
    return offset(run_.batch().records()[count - 1].offset).next();
}

partition_lane::progress partition_lane::take_progress() noexcept {
    const std::size_t count = run_.index();
    const std::size_t skips = is_running() ? reported_skips_ : run_.skipped_; // the handler's while it runs
    const progress fresh{.done = count - reported_, .skipped = skips - reported_skips_};
    reported_ = count;
    reported_skips_ = skips;
    return fresh;
}

logger partition_lane::failure_log() const {
    return context(run_).log().with({{"handler", reader_.name}, {"attempt", attempt()}});
}

void partition_lane::back_off(steady_time until) {
    state_ = state::backing_off;
    loop_.at(until, timer_);
}

void partition_lane::cancel_back_off() noexcept {
    if (timer_.pending()) loop_.cancel(timer_);
    if (state_ == state::backing_off) state_ = state::idle;
}

void partition_lane::pass_over() noexcept {
    run_.verdict_.reset();
    run_.complete(skip);
}

void partition_lane::stop_here(error why) {
    state_ = state::stopped;
    stopped_by_ = std::move(why);
}

void partition_lane::stop_behind_run(error why) {
    stopped_by_ = std::move(why);
    if (state_ == state::idle && !has_rest()) state_ = state::stopped;
}

std::string partition_lane::stopped_at() const {
    std::string text = to_string(where());
    if (state_ == state::stopped && has_rest())
        text += " at offset " + std::to_string(failed_record().offset);
    return text + ": " + stopped_by_->describe();
}

void partition_lane::become_idle() noexcept {
    state_ = state::idle;
    if (has_rest() && !leaving_) return;
    if (stopped_by_) state_ = state::stopped;
    expected_ = frontier();
    run_.reset({}, origin_);
    reported_ = reported_skips_ = 0;
}

void partition_lane::ask_to_stop() noexcept {
    leaving_ = true;
    run_.ask_to_stop();
    if (is_running()) reader_.handle->asked_to_stop(run_);
}
void partition_lane::request_stop(stop_reason why) noexcept { stop_.request(why); }

} // namespace corvid

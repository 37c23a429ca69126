// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/group_loop.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace corvid {

namespace {

// How many runs the loop does before it lets timers and other nodes have their turn.
constexpr int runs_a_turn = 64;

double uniform(std::mt19937_64& random) { return std::uniform_real_distribution<double>(0, 1)(random); }

} // namespace

group_loop::group_loop(broker::cluster& cluster, scheduler& root, group_settings settings,
                       std::vector<subscription> subscriptions, const logger& log, metrics* figures)
    : cluster_(cluster),
      root_(root),
      settings_(std::move(settings)),
      subscriptions_(std::move(subscriptions)),
      log_(log.with({{"group", settings_.source.group}})),
      figures_(figures, settings_.source.group),
      random_(settings_.seed),
      request_(*this),
      pump_node_(*this,
                 [](work& w) noexcept {
                     group_loop& loop = static_cast<timed&>(w).owner;
                     loop.pump_posted_ = false;
                     loop.pump();
                 }),
      tick_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.tick(); }),
      reopen_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.open_source(); }),
      revoke_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.try_release(); }),
      stop_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.advance_stop(); }),
      reopen_after_(settings_.reopen_first) {
    if (auto valid = validate(settings_); !valid) throw config_error(std::move(valid).error());
    if (auto valid = check_disjoint(group(), subscriptions_); !valid)
        throw config_error(std::move(valid).error());
    for (const auto& s : subscriptions_) {
        settings_.source.topics.insert(settings_.source.topics.end(), s.topics.begin(), s.topics.end());
        if (!s.pattern.empty())
            settings_.source.pattern +=
                (settings_.source.pattern.empty() ? "" : "|") + ('(' + s.pattern + ')');
    }
}

group_loop::~group_loop() {
    if (!thread_) return;
    if (!ended_.is_set()) stop(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
    root_.wait(ended_, std::nullopt);
}

void group_loop::start() {
    signal joined;
    std::exception_ptr failure;
    thread_ = root_.run_thread("corvid-group", [&](scheduler& loop) {
        loop_ = &loop;
        try {
            auto member = cluster_.join(settings_.source, loop, *this);
            source_ = std::move(member.source);
            committer_ = member.offsets;
            tick();
        } catch (...) {
            failure = std::current_exception();
        }
        joined.set();
    });
    root_.wait(joined, std::nullopt);
    if (!failure) return;
    thread_.reset();
    std::rethrow_exception(failure);
}

// --- taking and running
// ----------------------------------------------------------------------------------------------

void group_loop::ready() noexcept {
    if (std::exchange(pump_posted_, true)) return;
    loop_->post(pump_node_);
}

void group_loop::pump() noexcept {
    if (std::exchange(pumping_, true)) return;
    bool more = true;
    for (int runs = 0; more && runs < runs_a_turn && source_;) {
        more = false;
        while (auto event = source_->next_event()) {
            std::visit([this](auto& e) { on(e); }, *event);
            if (!source_) break;
        }
        if (phase_ != phase::working || !source_) break;
        for (std::size_t i = 0; i < lanes_.size(); ++i)
            if (take_and_run(*lanes_[i])) {
                more = true;
                ++runs;
            }
    }
    pumping_ = false;
    if (more && source_ && phase_ == phase::working) ready();
    advance_stop();
}

bool group_loop::take_and_run(partition_lane& lane) {
    if (revoking_ || !lane.is_ready()) return false;
    if (lane.has_rest()) {
        lane.run_began = loop_->steady_now();
        lane.go_on();
        return true;
    }
    if (std::ranges::any_of(leftovers_, [&](const auto& old) { return old->where() == lane.where(); }))
        return false;
    auto batch = source_->take(lane.slot(), run::most);
    if (batch.empty()) return false;
    const std::int64_t newest = batch.records().back().timestamp;
    const std::size_t count = batch.size();
    lane.run_began = loop_->steady_now();
    if (const auto missing = lane.begin(std::move(batch)); missing > 0)
        lane.figures.gaps.add(static_cast<std::uint64_t>(missing));
    if (newest >= 0)
        lane.figures.age.observe(loop_->wall_now().time_since_epoch() - std::chrono::milliseconds(newest),
                                 count);
    return true;
}

void group_loop::run_ended(partition_lane& lane) noexcept {
    note_progress(lane);
    const auto verdict = lane.verdict();
    if (lane.is_leftover()) {
        std::erase_if(leftovers_, [&](const auto& l) { return l.get() == &lane; });
    } else if (verdict && !(lane.is_leaving() && *verdict == corvid::verdict::retry)) {
        decide_on(lane, *verdict);
    } else {
        lane.become_idle();
    }
    if (revoking_) try_release();
    if (leftovers_.empty() && source_is_broken_) abandon_source();
    if (leftovers_.empty() && phase_ == phase::over && source_) finish();
    if (phase_ != phase::working && !pumping_) advance_stop();
}

void group_loop::note_progress(partition_lane& lane) {
    const auto fresh = lane.take_progress();
    lane.figures.done.add(fresh.done - fresh.skipped);
    lane.figures.skipped.add(fresh.skipped);
    if (fresh.done > 0)
        lane.figures.handling.observe(
            (loop_->steady_now() - lane.run_began) / static_cast<std::int64_t>(fresh.done), fresh.done);
    if (lane.reader().commit == commit_mode::by_hand) return;
    if (lane.is_leftover()) return;
    if (auto next = lane.frontier()) commits_.advance(lane.where(), *next);
}

void group_loop::decide_on(partition_lane& lane, const outcome& what) {
    const error why = what.why().value_or(error(errc::handler_rejected, {.operation = "handle"}));
    const logger log = lane.failure_log();
    const auto action = decide(what, lane.attempt(), lane.reader().failure, uniform(random_));
    if (const auto* again = std::get_if<retry_after>(&action)) {
        lane.figures.retried.add();
        log.warn("a record is tried again", why);
        lane.back_off(loop_->steady_now() + again->delay);
    } else if (std::holds_alternative<pass_over>(action)) {
        lane.figures.rejected.add();
        log.error("a record was rejected and passed over", why);
        lane.pass_over();
        note_progress(lane);
        lane.become_idle();
    } else {
        const bool service = std::holds_alternative<stop_service>(action);
        (service ? lane.figures.stopped : lane.figures.rejected).add();
        log.error(service ? "a handler stops the service; the offset is held"
                          : "a partition stops at a record that was rejected; the offset is held",
                  why);
        lane.stop_here(why);
        tell_stopped();
        if (service && on_handler_stop) on_handler_stop(why);
        if (service) end_ = loop_end::failed;
    }
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/group_loop.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace corvid {

namespace {

// How many batches and runs the loop does before it lets timers and other nodes have their turn.
constexpr int runs_a_turn = 64;

std::string instance_of(const broker::source_settings& source) {
    return source.instance_id.empty() ? source.client_id : source.instance_id;
}

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
      elsewhere_(settings_.producer, root, settings_.service, instance_of(settings_.source)),
      watch_(settings_.watch),
      request_(*this),
      door_(std::make_shared<loop_door>(*this)),
      pump_node_(*this,
                 [](work& w) noexcept {
                     group_loop& loop = static_cast<timed&>(w).owner;
                     loop.pump_posted_ = false;
                     loop.pump();
                 }),
      tick_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.tick(); }),
      due_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.pump(); }),
      reopen_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.open_source(); }),
      revoke_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.try_release(); }),
      stop_timer_(*this, [](work& w) noexcept { static_cast<timed&>(w).owner.advance_stop(); }),
      reopen_after_(settings_.reopen_first) {
    if (auto valid = validate(settings_); !valid) throw config_error(std::move(valid).error());
    auto topics = group_topics::of(group(), subscriptions_);
    if (!topics) throw config_error(std::move(topics).error());
    topics_ = *std::move(topics);
    topics_.subscribe(settings_.source);
    for (const auto& s : subscriptions_) {
        if (auto valid = validate(s, settings_); !valid) throw config_error(std::move(valid).error());
        handler_figures_.push_back(figures_.of(s.name));
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
            dispatch_owner& owner = *this;
            for (auto& each : subscriptions_)
                dispatchers_.push_back(
                    std::make_unique<dispatcher>(each, loop, owner, elsewhere_, settings_.workers));
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

// --- taking and running -----------------------------------------------------------------------------------

void group_loop::ready() noexcept {
    for (auto& each : tenancies_)
        each->may_have_more = true;
    pump_later();
}

void group_loop::pump_later() noexcept {
    if (std::exchange(pump_posted_, true)) return;
    loop_->post(pump_node_);
}

void group_loop::pump() noexcept {
    if (std::exchange(pumping_, true)) return;
    if (due_.pending()) loop_->cancel(due_);
    const bool posted = std::exchange(pump_posted_, true); // what ends here is looked after in this pump
    bool unsettled = false;
    for (auto& each : dispatchers_) {
        unsettled |= each->settle_returned();
        if (each->next_due()) each->wake_due(loop_->steady_now());
    }
    pump_posted_ = posted;
    bool more = true;
    for (int turns = 0; more && turns < runs_a_turn;) {
        take_events();
        const int taken = take_in();
        more = start_ready() || taken > 0;
        if (watches_starts_) more |= follow_starts();
        turns += std::max(1, taken);
    }
    pumping_ = false;
    if (more || unsettled) pump_later();
    wake_at_next_due();
    if (revoking_) try_release();
    advance_stop();
}

void group_loop::take_events() {
    while (source_ && !search_) {
        auto event = source_->next_event();
        if (!event) return;
        std::visit([this](auto& e) { on(e); }, *event);
    }
}

// Answers how many batches it took. Whoever stands behind the last that was given room comes first: else,
// where handlers are behind, the first partition would take all of it, and its keys alone would be at work.
int group_loop::take_in() {
    int taken = 0;
    if (phase_ != phase::working || !source_) return taken;
    const std::size_t first = take_next_;
    for (std::size_t i = 0; i < tenancies_.size(); ++i) {
        const std::size_t at = (first + i) % tenancies_.size();
        if (!take_in(*tenancies_[at])) continue;
        ++taken;
        take_next_ = at + 1;
    }
    return taken;
}

bool group_loop::start_ready() {
    bool more = false;
    for (auto& each : dispatchers_)
        more |= each->start_ready(runs_a_turn);
    return more;
}

void group_loop::wake_at_next_due() {
    std::optional<steady_time> first;
    for (const auto& each : dispatchers_)
        if (const auto due = each->next_due(); due && (!first || *due < *first)) first = due;
    if (first) loop_->at(*first, due_);
}

void group_loop::work_ended(tenancy& of) noexcept {
    if (of.is_over && of.at_work == 0)
        std::erase_if(leftovers_, [&](const auto& each) { return each.get() == &of; });
    if (leftovers_.empty() && phase_ == phase::over) return finish();
    pump_later();
}

void group_loop::partition_stopped(tenancy&) { tell_stopped(); }

void group_loop::handler_stopped(const error& why) {
    end_ = loop_end::failed;
    if (on_handler_stop) on_handler_stop(why);
}

void group_loop::tell_stopped() {
    std::string all;
    for (const auto& each : tenancies_)
        if (!each->stopped_by.empty()) all += (all.empty() ? "" : "; ") + each->stopped_by;
    state_.stopped(std::move(all));
}

} // namespace corvid

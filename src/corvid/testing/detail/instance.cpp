// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/detail/instance.hpp>

#include <corvid/testing/detail/probe.hpp>
#include <corvid/testing/detail/watched_cluster.hpp>

#include <mutex>

namespace corvid::testing::detail {

namespace {

/// What died lies here, in everybody's sight (leak checkers count it as held), and is never touched again.
void keep_for_ever(std::unique_ptr<instance> one) {
    static std::mutex mutex;
    static auto* const all = new std::vector<std::unique_ptr<instance>>;
    const std::lock_guard lock(mutex);
    all->push_back(std::move(one));
}

corvid::settings settings_of(const blueprint& of, const std::string& name, simulation& time) {
    corvid::settings with = of.settings;
    with.http.listen.clear();
    with.kafka.bootstrap = "memory:";
    if (with.kafka.client_id.empty()) with.kafka.client_id = name;
    if (with.kafka.instance.empty()) with.kafka.instance = name;
    if (!with.log.output) with.log.output = [](std::string_view) {};
    with.log.time = &time;
    return with;
}

} // namespace

void surroundings::ensure_topic(const topic_name& name) {
    if (partitions > 0 && broker.script().partitions_of(name) == 0)
        (void)broker.open_admin()->create_topic({.name = name, .partitions = partitions},
                                                std::chrono::seconds(1));
}

instance::instance(surroundings& in, std::shared_ptr<const blueprint> of, std::string name)
    : in_(in), of_(std::move(of)), name_(std::move(name)) {}

instance::~instance() = default;

void instance::start() {
    in_.log.note(name_, "starts");
    process_ = in_.time.run_process(name_);
    cluster_ = std::make_unique<watched_cluster>(*this);
    service_hooks hooks{
        .around = [this](std::unique_ptr<handler> inner,
                         const std::string& group) { return probe::around(std::move(inner), *this, group); },
        .seed = in_.log.random()() | 1U};
    service_ = std::make_unique<corvid::service>(settings_of(*of_, name_, in_.time), *cluster_,
                                                 process_->loop(), std::move(hooks));
    of_->build(*service_);
    service_->start();
    started_ = true;
}

exit_code instance::stop() {
    if (!is_running()) return exit_code::clean;
    in_.log.note(name_, "is asked to stop");
    const exit_code code = service_->stop();
    ended_ = code;
    if (!dead_) in_.log.note(name_, "stopped: " + std::string(to_string(code)));
    return dead_ ? exit_code::failed : code;
}

bool instance::passes(moment now, const std::string& group_or_topic) {
    if (dead_) return false;
    if (!started_ || muzzled_) return true;
    const auto crash = in_.log.due(now, group_or_topic, name_);
    if (!crash) return true;
    die(std::string(to_string(now)) + ", in " + group_or_topic, crash->restart_after);
    return false;
}

void instance::die(const std::string& where, std::optional<duration> restart_after) noexcept {
    if (std::exchange(dead_, true)) return;
    restart_after_ = restart_after;
    ++in_.deaths;
    in_.log.note(name_, "dies: " + where);
    in_.log.forget(name_);
    if (process_) in_.time.freeze(process_->loop());
    in_.time.post(reaper_);
}

// What the process held of the broker ends as when a machine is switched off: without a word.
void instance::reap() noexcept {
    for (broker_end* each : ends)
        each->cut();
    ends.clear();
}

bool instance::is_idle() const {
    return service_ && at_work == 0 && !(has_batches && !ended_) && !of_->settings.log.output &&
           service_->tasks().running() == 0;
}

void instance::bury(std::unique_ptr<instance> one) noexcept {
    try {
        if (one->is_running() && one->is_idle()) {
            one->muzzle();
            (void)one->stop();
        }
        const bool has_left = one->ended_ == exit_code::clean || one->ended_ == exit_code::unflushed;
        if (has_left && !one->dead_ && one->is_idle()) return one.reset();
        if (!one->dead_) one->die("the world ends", std::nullopt);
        if (!one->ends.empty()) one->reap();
    } catch (...) {
        one->die("the world ends", std::nullopt);
    }
    keep_for_ever(std::move(one));
}

} // namespace corvid::testing::detail

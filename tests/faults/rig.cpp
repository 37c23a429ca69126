// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace corvid::faults {
namespace {

std::vector<std::string> broker_options(const rig_settings& of) {
    std::vector<std::string> all{"--brokers", std::to_string(of.brokers)};
    if (of.proxied) all.emplace_back("--proxied");
    return all;
}

/// The broker that all tests share; empty: this one needs its own.
std::string shared_broker(const rig_settings& of) {
    const char* shared = std::getenv("CORVID_TEST_KAFKA");
    if (!shared || of.own_broker || of.brokers > 1 || of.proxied) return "";
    const std::string_view address(shared);
    return std::string(address.substr(address.starts_with("kafka://") ? 8 : 0));
}

void create(broker::cluster& at, const std::string& name, int replication,
            std::map<std::string, std::string> config) {
    const auto made = at.open_admin()->create_topic({.name = topic_name(name),
                                                     .partitions = rig::partitions,
                                                     .replication = static_cast<std::int16_t>(replication),
                                                     .config = std::move(config)},
                                                    30s);
    if (!made) throw std::runtime_error(made.error().describe());
}

/// The most memory that a process had, in KiB; 0: it is gone.
long peak_of(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string line;
    while (std::getline(status, line))
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    return 0;
}

} // namespace

rig::rig(std::string test, rig_settings settings)
    : test_(std::move(test)),
      settings_(std::move(settings)),
      seed_(chosen_seed()),
      random_(seed_),
      topic_("test.fault.load-" + std::to_string(std::random_device()())),
      group_("faults" + topic_.substr(topic_.rfind('-'))),
      kafka_(shared_broker(settings_).empty()
                 ? std::optional<kafka_process>(std::in_place, broker_options(settings_))
                 : std::nullopt),
      bootstrap_(kafka_ ? kafka_->bootstrap() : shared_broker(settings_)),
      network_(settings_.proxied ? std::optional<faults::network>(std::in_place, *kafka_) : std::nullopt),
      cluster_({.bootstrap = network_ ? network_->bootstrap() : bootstrap_}),
      began_(root_.steady_now()),
      topics_made_((make_topic(topic_), settings_.dead_letters && (make_topic(dead_letter_topic()), true))),
      log_(scratch_.path() / "work"),
      witness_(bootstrap_, topic_, partitions, group_),
      observer_([this](const std::stop_token& stop) {
          std::condition_variable_any beat;
          std::mutex mutex;
          std::unique_lock lock(mutex);
          while (!stop.stop_requested()) {
              observe();
              beat.wait_for(lock, stop, 200ms, [] { return false; });
          }
      }) {
    std::cout << "seed " << seed_ << std::endl;
    if (!eventually([this] { return witness_.end(2s).has_value(); }, 30s))
        throw std::runtime_error("the topic has no leaders");
}

rig::~rig() { observer_ = {}; }

void rig::make_topic(const std::string& name, std::map<std::string, std::string> config) {
    kafka::cluster directly({.bootstrap = bootstrap_});
    create(directly, name, settings_.brokers, std::move(config));
}

std::unique_ptr<sender> rig::start_sender(sender_settings settings) {
    settings.topic = topic_name(topic_);
    settings.seed = random_();
    return std::make_unique<sender>(cluster_, root_, std::move(settings));
}

std::unique_ptr<child> rig::start_worker(const std::vector<std::string>& told) {
    std::vector<std::string> command{CORVID_FAULT_WORKER,
                                     network_ ? network_->bootstrap() : bootstrap_,
                                     topic_,
                                     group_,
                                     log_.file().string(),
                                     "session_ms=" + std::to_string(settings_.session.count())};
    command.push_back("seed=" + std::to_string(seed_ + lives_++));
    command.insert(command.end(), settings_.work.begin(), settings_.work.end());
    command.insert(command.end(), told.begin(), told.end());
    return std::make_unique<child>(command);
}

void rig::start_workers(const std::vector<std::string>& told) {
    for (std::size_t i = 0; i < settings_.workers; ++i) {
        auto one = start_worker(i == 0 ? told : std::vector<std::string>{});
        const std::lock_guard lock(mutex_);
        workers_.push_back(std::move(one));
    }
    for (std::size_t i = 0; i < settings_.workers; ++i)
        if (!works(i, 30s)) throw std::runtime_error("worker " + std::to_string(i) + " handles nothing");
    for (std::int32_t p = 0; p < partitions; ++p)
        if (!eventually([&] { return log_.handled_in(p) > 0; }, 30s))
            throw std::runtime_error("nothing is handled in partition " + std::to_string(p));
}

void rig::replace(std::size_t which, const std::vector<std::string>& told) {
    auto next = start_worker(told);
    const std::lock_guard lock(mutex_);
    workers_[which] = std::move(next);
}

bool rig::works(std::size_t which, std::chrono::milliseconds patience) {
    const int pid = workers_[which]->pid();
    const std::uint64_t before = log_.handled_by(pid);
    const bool moved = eventually(
        [&] { return log_.handled_by(pid) > before || workers_[which]->wait(0ms).has_value(); }, patience);
    return moved && log_.handled_by(pid) > before;
}

void rig::stop_workers() {
    for (auto& one : workers_)
        one->send_signal(SIGTERM);
    for (auto& one : workers_)
        EXPECT_EQ(one->wait(40s), 0) << "a worker did not end well";
}

void rig::let_pass(std::chrono::milliseconds span) { (void)root_.wait(never_, root_.steady_now() + span); }

bool rig::eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    const steady_time deadline = root_.steady_now() + patience;
    while (!holds()) {
        if (root_.steady_now() > deadline) return false;
        let_pass(50ms);
    }
    return true;
}

std::uint64_t rig::below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
}

std::chrono::milliseconds rig::between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return least + std::chrono::milliseconds(below(static_cast<std::uint64_t>((most - least).count()) + 1));
}

std::int64_t rig::now_ns() const {
    return std::chrono::nanoseconds(root_.steady_now().time_since_epoch()).count();
}

double rig::seconds_since(std::int64_t start_ns) const {
    return static_cast<double>(now_ns() - start_ns) / 1e9;
}

bool rig::handles(std::uint64_t more, std::chrono::milliseconds patience) {
    const std::uint64_t before = handled_so_far();
    return eventually([&] { return handled_so_far() >= before + more; }, patience);
}

bool rig::moves_everywhere(std::chrono::milliseconds patience) {
    std::map<std::int32_t, std::uint64_t> before;
    for (std::int32_t p = 0; p < partitions; ++p)
        before[p] = log_.handled_in(p);
    return eventually(
        [&] {
            return std::ranges::all_of(
                before, [&](const auto& one) { return log_.handled_in(one.first) > one.second; });
        },
        patience);
}

bool rig::saw_a_commit(std::chrono::milliseconds patience) {
    return eventually(
        [&] {
            const std::lock_guard lock(mutex_);
            return std::ranges::any_of(happened_.samples, [](const commit_sample& one) {
                return std::ranges::any_of(one.commits, [](const committed& c) { return c.next > 0; });
            });
        },
        patience);
}

bool rig::saw_a_rewind(std::chrono::milliseconds patience) {
    return eventually(
        [&] {
            const std::lock_guard lock(mutex_);
            std::map<std::int32_t, std::int64_t> last;
            for (const commit_sample& one : happened_.samples)
                for (const committed& c : one.commits)
                    if (c.next < std::exchange(last[c.partition], c.next)) return true;
            return false;
        },
        patience);
}

bool rig::saw_note(std::int32_t partition, const std::string& ending) {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(happened_.samples, [&](const commit_sample& one) {
        return std::ranges::any_of(one.commits, [&](const committed& c) {
            return c.partition == partition && c.metadata.ends_with(ending);
        });
    });
}

std::optional<std::int64_t> rig::behind(std::int64_t end) const {
    const auto now = witness_.commits(2s);
    if (!now) return std::nullopt;
    for (const committed& one : *now)
        end -= one.next;
    return end;
}

bool rig::commits_what_is_there(std::chrono::milliseconds patience) {
    std::optional<std::int64_t> end;
    const bool all = eventually(
        [&] {
            if (!end) end = witness_.end(2s);
            return end && behind(*end).value_or(1) <= 0;
        },
        patience);
    if (!all) tell_commits(end);
    return all;
}

bool rig::caught_up(std::chrono::milliseconds patience) {
    std::optional<std::int64_t> end;
    const bool all = eventually(
        [&] {
            end = witness_.end(2s);
            return end && behind(*end) == 0;
        },
        patience);
    if (!all && patience > 1s) tell_commits(end);
    return all;
}

void rig::tell_commits(std::optional<std::int64_t> end) const {
    std::cout << "end: " << (end ? std::to_string(*end) : "not told") << "; committed:";
    const auto now = witness_.commits(10s);
    if (!now) std::cout << " not told";
    for (const committed& one : now.value_or(std::vector<committed>()))
        std::cout << " [" << one.partition << "]@" << one.next << ' ' << one.metadata;
    std::cout << std::endl;
}

void rig::observe() {
    const std::int64_t asked = now_ns();
    auto commits = witness_.commits(1s);
    const std::lock_guard lock(mutex_);
    if (commits) happened_.samples.push_back({asked, now_ns(), std::move(*commits)});
    for (const auto& one : workers_)
        peak_kib_ = std::max(peak_kib_, peak_of(one->pid()));
}

double rig::cpu_of_workers_s() const {
    double all = 0;
    for (const auto& one : workers_)
        all += cpu_seconds_of(one->pid());
    return all;
}

double rig::peak_of_workers_mb() {
    const std::lock_guard lock(mutex_);
    return static_cast<double>(peak_kib_) / 1024;
}

std::vector<stored> rig::dead_letters() {
    auto all = witness_.records(dead_letter_topic());
    for (const stored& one : all)
        happened_.given_up.emplace(std::stoi(one.headers.at("__dlq.errors.partition")),
                                   std::stol(one.headers.at("__dlq.errors.offset")));
    return all;
}

findings rig::conclude(const std::vector<const sender*>& senders, const allowance& excused,
                       bool expected_green) {
    observer_ = {};
    observe();
    happened_.effects = log_.effects();
    for (const sender* one : senders) {
        const auto told = one->fates();
        happened_.sent.insert(happened_.sent.end(), told.begin(), told.end());
        happened_.load_ended = std::max(happened_.load_ended, one->ended_at());
    }
    const findings found = judge(happened_);
    print(found, senders, excused, expected_green);
    return found;
}

void rig::print(const findings& f, const std::vector<const sender*>& senders, const allowance& excused,
                bool expected_green) const {
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::uint64_t unknown = 0;
    for (const sender* one : senders) {
        ok += one->count(fate::state::acknowledged);
        failed += one->count(fate::state::not_persisted);
        unknown += one->count(fate::state::possibly_persisted) + one->count(fate::state::pending);
    }
    const std::chrono::duration<double> lasted = root_.steady_now() - began_;
    std::ostringstream line;
    line << std::fixed << std::setprecision(2) << R"({"test":")" << test_ << R"(","librdkafka":")"
         << rd_kafka_version_str() << R"(","broker":")" << (kafka_ ? kafka_->version() : "shared")
         << R"(","brokers":)" << settings_.brokers << ",\"seed\":" << seed_
         << ",\"seconds\":" << lasted.count() << ",\"faults\":" << happened_.faults.size() << ",\"ok\":" << ok
         << ",\"fail\":" << failed << ",\"info\":" << unknown << ",\"handled\":" << f.handled
         << ",\"lost\":" << f.lost << ",\"dup\":" << f.duplicates << ",\"reorder\":" << f.reorder
         << ",\"overlap\":" << f.overlap << ",\"overlap_between\":" << f.overlap_between
         << ",\"rewind\":" << f.rewind << ",\"ahead_of_work\":" << f.ahead_of_work
         << ",\"below_commit\":" << f.below_commit << ",\"misplaced\":" << f.misplaced
         << ",\"phantom\":" << f.phantom << ",\"commit_samples\":" << happened_.samples.size()
         << ",\"max_stall_s\":" << f.max_stall_s << ",\"recovery_p50_s\":" << f.recovery_s(0.5)
         << ",\"recovery_p99_s\":" << f.recovery_s(0.99)
         << ",\"rss_peak_mb\":" << static_cast<double>(peak_kib_) / 1024;
    for (const auto& [name, value] : figures_)
        line << ",\"" << name << "\":" << std::setprecision(value == std::floor(value) ? 0 : 2) << value;
    line << R"(,"verdict":")"
         << (f.green(excused) && !is_red_ && !testing::Test::HasFailure() ? "green" : "red")
         << (expected_green ? "" : ", as it must be") << "\"}";
    std::cout << line.str() << std::endl;
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <librdkafka/rdkafka.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace corvid::faults {
namespace {

const topic_name topic("test.fault.load");
const std::string group = "faults";

bool make_topic(broker::cluster& at) {
    auto made = at.open_admin()->create_topic({.name = topic, .partitions = rig::partitions}, 30s);
    if (!made) throw std::runtime_error(made.error().describe());
    return true;
}

} // namespace

bool is_long_form() {
    const char* form = std::getenv("CORVID_FAULTS");
    return form && std::string_view(form) == "long";
}

std::uint64_t chosen_seed() {
    if (const char* given = std::getenv("CORVID_FAULTS_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device()();
}

rig::rig(std::string test)
    : test_(std::move(test)),
      seed_(chosen_seed()),
      random_(seed_),
      cluster_({.bootstrap = kafka_.bootstrap()}),
      began_(root_.steady_now()),
      work_file_(kafka_.directory() / "work"),
      topic_made_(make_topic(cluster_)),
      witness_(kafka_.bootstrap(), topic.str(), partitions, group),
      observer_([this](const std::stop_token& stop) {
          std::condition_variable_any beat;
          std::mutex mutex;
          std::unique_lock lock(mutex);
          while (!stop.stop_requested()) {
              observe_commits();
              beat.wait_for(lock, stop, 200ms, [] { return false; });
          }
      }) {
    std::ofstream(work_file_).close();
}

rig::~rig() { observer_ = {}; }

std::unique_ptr<sender> rig::start_sender(sender_settings settings) {
    settings.topic = topic;
    return std::make_unique<sender>(cluster_, root_, std::move(settings));
}

std::unique_ptr<child> rig::start_worker(const std::string& bug) const {
    std::vector<std::string> command{CORVID_FAULT_WORKER, kafka_.bootstrap(),
                                     topic.str(),         group,
                                     work_file_.string(), std::to_string(session.count())};
    if (!bug.empty()) command.push_back(bug);
    return std::make_unique<child>(command);
}

void rig::let_pass(std::chrono::milliseconds span) { (void)root_.wait(never_, root_.steady_now() + span); }

bool rig::eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    const steady_time deadline = root_.steady_now() + patience;
    while (!holds()) {
        if (root_.steady_now() > deadline) return false;
        let_pass(20ms);
    }
    return true;
}

std::chrono::milliseconds rig::between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random_));
}

std::uint64_t rig::processed_so_far() {
    std::ifstream text(work_file_);
    text.seekg(counted_to_);
    std::string line;
    while (std::getline(text, line) && !text.eof()) { // a line without its end is still being written
        counted_ += line.starts_with("life") ? 0 : 1;
        counted_to_ = text.tellg();
    }
    return counted_;
}

bool rig::caught_up(std::chrono::milliseconds patience) {
    auto admin = cluster_.open_admin();
    return eventually(
        [&] {
            const auto now = witness_.commits(2s);
            if (!now) return false;
            std::int64_t behind = 0;
            for (std::int32_t p = 0; p < partitions; ++p) {
                const auto range = admin->range_of({topic, partition_id(p)}, 2s);
                if (!range) return false;
                behind += range->end.value;
            }
            for (const committed& one : *now)
                behind -= one.next;
            return behind == 0;
        },
        patience);
}

void rig::observe_commits() {
    auto commits = witness_.commits(1s);
    if (!commits) return;
    std::error_code none;
    const std::uint64_t size = std::filesystem::file_size(work_file_, none);
    const std::lock_guard lock(mutex_);
    observed_.push_back({none ? 0 : size, std::move(*commits)});
}

void rig::feed(checker& judge) const {
    const std::lock_guard lock(mutex_);
    std::ifstream text(work_file_);
    std::string line;
    std::uint64_t position = 0;
    auto next = observed_.begin();
    const auto show_commits = [&] {
        for (; next != observed_.end() && next->bytes_of_work <= position; ++next)
            for (const committed& one : next->commits)
                judge.saw(one);
    };
    for (;; position += line.size() + 1) {
        show_commits();
        if (!std::getline(text, line)) break;
        if (line.starts_with("life")) {
            judge.life_begins();
            continue;
        }
        processed one{};
        std::istringstream(line) >> one.partition >> one.offset >> one.id;
        judge.saw(one);
    }
}

findings rig::conclude(const std::vector<const sender*>& senders, bool returns_within_a_life,
                       bool expected_green) {
    observer_ = {};
    observe_commits();
    checker judge(returns_within_a_life);
    feed(judge);
    std::map<std::uint64_t, fate> sent;
    for (const sender* one : senders)
        sent.merge(one->fates());
    const findings found = judge.conclude(sent);
    const std::chrono::duration<double> lasted = root_.steady_now() - began_;
    std::ostringstream line;
    line << R"({"test":")" << test_ << R"(","librdkafka":")" << rd_kafka_version_str() << R"(","seed":)"
         << seed_;
    for (const auto& [name, value] : figures_)
        line << ",\"" << name << "\":" << value;
    line << ",\"produced\":" << sent.size() << ",\"processed\":" << found.processed
         << ",\"redelivered\":" << found.redelivered << ",\"lost\":" << found.lost
         << ",\"below_commit\":" << found.below_commit << ",\"ahead_of_work\":" << found.ahead_of_work
         << ",\"out_of_order\":" << found.out_of_order << ",\"misplaced\":" << found.misplaced
         << ",\"phantom\":" << found.phantom << ",\"commits_observed\":" << observed_.size()
         << ",\"seconds\":" << std::fixed << std::setprecision(1) << lasted.count() << R"(,"verdict":")"
         << (found.green() ? "green" : "red") << (expected_green ? "" : ", as it must be") << "\"}";
    std::cout << line.str() << std::endl;
    return found;
}

} // namespace corvid::faults

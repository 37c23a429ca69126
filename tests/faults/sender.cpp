// SPDX-License-Identifier: Apache-2.0
#include "sender.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace corvid::faults {
namespace {

constexpr std::chrono::milliseconds beat(10);

published_topic* resolve(publisher& by, const topic_name& name) {
    auto topic = by.topic(name);
    if (!topic) throw std::runtime_error(topic.error().describe());
    return *topic;
}

} // namespace

sender::sender(broker::cluster& cluster, scheduler& root, sender_settings settings)
    : settings_(std::move(settings)),
      publisher_(cluster, root, settings_.producer),
      topic_(resolve(publisher_, settings_.topic)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

sender::~sender() {
    thread_ = {};
    std::ignore = publisher_.close(std::chrono::milliseconds(0));
}

// A steady beat: what a blocked send delays is not made up for.
void sender::work(const std::stop_token& stop) {
    const auto a_beat = settings_.records_per_second * beat.count() / 1'000;
    std::uint64_t next = settings_.first_id;
    while (!stop.stop_requested()) {
        for (std::int64_t i = 0; i < a_beat && !stop.stop_requested(); ++i)
            send(next++);
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, beat, [] { return false; });
    }
}

void sender::send(std::uint64_t id) {
    {
        const std::lock_guard lock(mutex_);
        fates_.emplace_hint(fates_.end(), id, fate{});
        ++pending_;
    }
    const std::string text = std::to_string(id);
    const std::string_view bytes(text);
    publisher_.send(*topic_, bytes, bytes, {},
                    [this, id](const result<delivery>& answer) { answered(id, answer); });
}

void sender::answered(std::uint64_t id, const result<delivery>& answer) {
    const std::lock_guard lock(mutex_);
    fate& told = fates_.at(id);
    if (answer) {
        told = {.is = fate::state::acknowledged,
                .partition = answer->partition.value,
                .offset = answer->offset.value};
    } else {
        told.is = answer.error() == errc::possibly_persisted ? fate::state::possibly_persisted
                                                             : fate::state::not_persisted;
        ++errors_[answer.error().describe().substr(0, 120)];
    }
    --pending_;
    changed_.notify_all();
}

bool sender::finish(std::chrono::milliseconds patience) {
    thread_ = {};
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return pending_ == 0; });
}

std::map<std::uint64_t, fate> sender::fates() const {
    const std::lock_guard lock(mutex_);
    return fates_;
}

std::uint64_t sender::count(fate::state which) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(
        std::ranges::count_if(fates_, [which](const auto& one) { return one.second.is == which; }));
}

std::map<std::string, std::uint64_t> sender::errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
}

} // namespace corvid::faults

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
      clock_(root),
      random_(settings_.seed),
      next_seqs_(settings_.keys),
      publisher_(cluster, root, settings_.producer),
      topic_(resolve(publisher_, settings_.topic)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

sender::~sender() {
    thread_ = {};
    std::ignore = publisher_.close(std::chrono::milliseconds(0));
}

// A steady beat: what a blocked send delays is not made up for.
void sender::work(const std::stop_token& stop) {
    std::chrono::duration<double> passed = beat;
    std::uint64_t sent = 0;
    double due = 0;
    while (!stop.stop_requested() && sent < settings_.most) {
        for (due += settings_.records_per_second * passed.count();
             due >= 1 && sent < settings_.most && !stop.stop_requested(); --due, ++sent)
            send();
        const steady_time since = clock_.steady_now();
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, beat, [] { return false; });
        if (settings_.keeps_pace) passed = clock_.steady_now() - since;
    }
}

void sender::send() {
    const auto key = static_cast<std::uint32_t>(random_() % settings_.keys);
    const std::size_t which = fates_.size(); // only this thread adds
    const fate its{
        .id = settings_.first_id + which, .key = settings_.first_key + key, .seq = next_seqs_[key]++};
    {
        const std::lock_guard lock(mutex_);
        last_send_ = clock_.steady_now();
        if (pending_++ == 0) last_answer_ = last_send_;
        fates_.push_back(its);
    }
    send(which, its);
}

void sender::send(std::size_t which, const fate& its) {
    const std::string poison = settings_.poison ? settings_.poison(its.id) : "";
    const std::string name = "k" + std::to_string(its.key);
    const std::string text = (poison == "corrupt" ? "#" : "") + ("{\"id\":" + std::to_string(its.id)) +
                             ",\"key\":" + std::to_string(its.key) + ",\"seq\":" + std::to_string(its.seq) +
                             ",\"poison\":\"" + poison + "\"}";
    publisher_.send(*topic_, std::string_view(name), std::string_view(text), {},
                    [this, which](const result<delivery>& answer) { answered(which, answer); });
}

void sender::answered(std::size_t which, const result<delivery>& answer) {
    std::unique_lock lock(mutex_);
    const steady_time now = clock_.steady_now();
    max_silence_ = std::max(max_silence_, now - last_answer_);
    last_answer_ = now;
    fate& told = fates_.at(which);
    if (answer) {
        told.is = fate::state::acknowledged;
        told.partition = answer->partition.value;
        told.offset = answer->offset.value;
    } else {
        told.is = answer.error() == errc::possibly_persisted ? fate::state::possibly_persisted
                                                             : fate::state::not_persisted;
        ++errors_[answer.error().describe().substr(0, 120)];
        if (settings_.sends_again && told.is == fate::state::possibly_persisted) {
            told.is = fate::state::pending;
            told.sent_again = true;
            const fate its = told;
            lock.unlock();
            return send(which, its);
        }
    }
    --pending_;
    changed_.notify_all();
}

bool sender::finish(std::chrono::milliseconds patience) {
    thread_ = {};
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return pending_ == 0; });
}

bool sender::all_sent(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return fates_.size() >= settings_.most; });
}

std::vector<fate> sender::fates() const {
    const std::lock_guard lock(mutex_);
    return fates_;
}

std::uint64_t sender::sent_so_far() const {
    const std::lock_guard lock(mutex_);
    return fates_.size();
}

std::int64_t sender::ended_at() const {
    const std::lock_guard lock(mutex_);
    return std::chrono::nanoseconds(last_send_.time_since_epoch()).count();
}

double sender::max_silence_s() const {
    const std::lock_guard lock(mutex_);
    return std::chrono::duration<double>(max_silence_).count();
}

std::uint64_t sender::count(fate::state which) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(
        std::ranges::count_if(fates_, [which](const auto& one) { return one.is == which; }));
}

std::uint64_t sender::sent_again() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(std::ranges::count_if(fates_, &fate::sent_again));
}

std::map<std::string, std::uint64_t> sender::errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
}

} // namespace corvid::faults

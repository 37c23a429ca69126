// SPDX-License-Identifier: Apache-2.0
#include <bench/keyorder/key_check.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace corvid::bench {

namespace {
constexpr std::chrono::milliseconds fetching_takes{1'000};
}

key_check::key_check(const options& chosen, span& measured, std::function<void()> over)
    : counts_(count_keys(plan_keys(chosen), chosen.keys)),
      state_(chosen.keys),
      expected_(chosen.messages),
      prefetch_(parse_work(chosen.work).kind == work_kind::cpu ? fetching_takes
                                                               : std::chrono::milliseconds{0}),
      measured_(measured),
      over_(std::move(over)) {
    keys_left_ = static_cast<std::uint32_t>(std::ranges::count_if(counts_, [](auto n) { return n > 0; }));
}

void key_check::open() {
    const std::scoped_lock lock(mutex_);
    if (open_) return;
    std::this_thread::sleep_for(prefetch_);
    measured_.begin();
    open_ = true;
}

void key_check::key_is_done() {
    if (--keys_left_ == 0) finish();
}

void key_check::finish() {
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(finished_, true)) return;
        measured_.end();
    }
    over_();
}

std::string key_check::out_of_order(keyed what) const {
    const std::uint32_t state = what.key < state_.size() ? state_[what.key].load() : 0;
    return "key " + std::to_string(what.key) + ": record " + std::to_string(what.sequence) + " came with " +
           std::to_string(state / 2) + " done" + (state % 2 ? " and one at work" : "");
}

void key_check::wrong(std::string why) {
    {
        const std::scoped_lock lock(mutex_);
        if (why_.empty()) why_ = std::move(why);
    }
    finish();
}

outcome key_check::verdict() {
    const std::scoped_lock lock(mutex_);
    outcome result{.why = why_};
    for (const auto& each : state_)
        result.messages += each.load() / 2;
    if (!finished_) measured_.end();
    if (result.why.empty() && result.messages != expected_)
        result.why = std::to_string(result.messages) + " records done of " + std::to_string(expected_);
    result.correct = result.why.empty();
    return result;
}

} // namespace corvid::bench

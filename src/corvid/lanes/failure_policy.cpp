// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/failure_policy.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace corvid {

namespace {

// A tier is the topic that its delay names, in milliseconds: two of one name would hand a record round.
result<void> check_tiers(const std::vector<duration>& delays) {
    if (delays.empty()) return {};
    const auto is_whole = [](duration each) {
        return each % std::chrono::milliseconds(1) == duration::zero();
    };
    if (!std::ranges::all_of(delays, is_whole))
        return fail(errc::invalid_setting,
                    {.message = "retry_topics has a delay that is no whole millisecond",
                     .hint = "tiers are named by their milliseconds: round it"});
    const bool rises =
        std::ranges::adjacent_find(delays, std::ranges::greater_equal()) == std::ranges::end(delays);
    if (rises && delays.front() > duration::zero()) return {};
    return fail(errc::invalid_setting,
                {.message = "retry_topics are not delays above 0 that rise",
                 .hint = "list each tier once, from the shortest delay to the longest"});
}

} // namespace

result<void> failure_policy::settings::validate(order how) const {
    if (auto valid = retry.validate(); !valid) return valid;
    if (auto valid = transfer.validate(); !valid) return valid;
    if (auto valid = check_tiers(retry_topics); !valid) return valid;
    if (!retry_topics.empty() && how != unordered && !gives_up_order)
        return fail(errc::conflicting_settings,
                    {.message = "retry_topics let later records of a key overtake, and order is " +
                                std::string(how == by_key ? "by_key" : "by_partition"),
                     .hint = "set gives_up_order, or order = unordered, or leave retry_topics empty"});
    if (rejected == when_rejected::park_key && how != by_key)
        return fail(errc::conflicting_settings,
                    {.message = "rejected is park_key, and order is not by_key: there is no key to park",
                     .hint = "set order = by_key or rejected = dead_letters"});
    if (rejected == when_rejected::park_key && !retry_topics.empty())
        return fail(errc::conflicting_settings,
                    {.message = "rejected is park_key, which keeps order, and retry_topics give it up",
                     .hint = "leave retry_topics empty, or set rejected = dead_letters"});
    return {};
}

outcome failure_policy::outcome_of(error why) noexcept {
    switch (why.kind()) {
    case error_kind::retriable:
        return {verdict::retry, std::move(why)};
    case error_kind::rejected:
        return {verdict::dead_letter, std::move(why)};
    case error_kind::fatal:
        break;
    }
    return {verdict::stop, std::move(why)};
}

std::optional<error_kind> failure_policy::class_of(const outcome& what) const {
    if (what == verdict::done || what == verdict::skip) return std::nullopt;
    if (what == verdict::stop) return error_kind::fatal;
    if (settings_.classify && what.why())
        if (const auto known = settings_.classify(*what.why())) return known;
    return what == verdict::retry ? error_kind::retriable : error_kind::rejected;
}

failure_policy::action failure_policy::decide(const outcome& what, const attempt& which) const {
    const auto kind = class_of(what);
    if (!kind) return commit{};
    if (*kind == error_kind::fatal) return stop_service{};
    if (*kind == error_kind::rejected) return give_up();
    if (!settings_.retry.exhausted(which.number))
        return again_at{which.now + settings_.retry.delay(which.number, which.random01)};
    if (which.tier < settings_.retry_topics.size())
        return retry_topic{which.tier, settings_.retry_topics[which.tier]};
    return give_up();
}

failure_policy::action failure_policy::give_up() const {
    switch (settings_.rejected) {
    case when_rejected::dead_letters:
        return dead_letter{};
    case when_rejected::park_key:
        return park_key{};
    case when_rejected::pass_over:
        return pass_over{};
    case when_rejected::stop_partition:
        break;
    }
    return stop_partition{};
}

} // namespace corvid

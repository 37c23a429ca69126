// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/group/topics.hpp>

#include <corvid/consume/detail/transfers.hpp>

#include <algorithm>

namespace corvid {

namespace {

// The group's own derived topics, and what other groups made of those: two groups that read each other's
// dead letters would hand a record round.
std::string derived_of(const std::string& group) {
    if (!is_kafka_topic(group)) return {}; // then none can be named after it
    std::string escaped;
    for (const char each : group)
        escaped += each == '.' ? std::string("\\.") : std::string(1, each);
    return ".*\\." + escaped + "\\.(dlq|parked|parked-keys|retry)(\\..*)?";
}

} // namespace

result<group_topics> group_topics::of(const std::string& group, const std::vector<subscription>& all) {
    group_topics made;
    made.group_ = group;
    made.except_ = derived_of(group);
    if (!made.except_.empty()) made.own_ = topic_pattern::of(made.except_).value();
    for (std::size_t i = 0; i < all.size(); ++i) {
        made.names_.push_back(all[i].name);
        if (auto added = made.add(all, i); !added) return fail(std::move(added).error());
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        if (auto added = made.add_pattern(all, i); !added) return fail(std::move(added).error());
    return made;
}

result<void> group_topics::add(const std::vector<subscription>& all, std::size_t which) {
    for (const topic_name& home : all[which].topics) {
        if (auto added = add(home, {which, home, 0}); !added) return added;
        const auto& delays = all[which].failure.retry_topics;
        for (std::size_t tier = 0; tier < delays.size(); ++tier) {
            const topic_name its(retry_topic(home, group_, delays[tier]));
            if (auto added = add(its, {which, home, tier + 1}); !added) return added;
        }
    }
    return {};
}

result<void> group_topics::add(const topic_name& topic, reading its) {
    const std::size_t mine = its.subscription;
    const auto [known, fresh] = named_.emplace(topic, std::move(its));
    if (!fresh) return conflict(topic.str(), known->second.subscription, mine);
    return {};
}

result<void> group_topics::add_pattern(const std::vector<subscription>& all, std::size_t which) {
    const std::string& text = all[which].pattern;
    if (text.empty()) return {};
    auto pattern = topic_pattern::of(text);
    if (!pattern)
        return fail(errc::invalid_setting, {.message = "subscription \"" + names_[which] +
                                                       "\": " + std::string(pattern.error().message()),
                                            .operation = "subscribe"});
    for (const matched& other : patterns_)
        if (other.text == text) return conflict("pattern " + text, other.subscription, which);
    for (const auto& [topic, its] : named_)
        if (its.subscription != which && !own_.matches(topic) && pattern->matches(topic))
            return conflict(topic.str(), its.subscription, which);
    patterns_.push_back({which, text, *std::move(pattern)});
    return {};
}

std::unexpected<error> group_topics::conflict(const std::string& topic, std::size_t a, std::size_t b) const {
    const std::string both = a == b ? "subscription \"" + names_[a] + "\" of group \"" + group_ +
                                          "\" names topic " + topic + " twice"
                                    : "subscriptions \"" + names_[a] + "\" and \"" + names_[b] +
                                          "\" of group \"" + group_ + "\" both read topic " + topic;
    return fail(errc::group_conflict, {.message = both, .operation = "subscribe", .topic = topic});
}

result<group_topics::reading> group_topics::find(const topic_name& topic) const {
    if (const auto named = named_.find(topic); named != named_.end()) return named->second;
    const matched* reader = nullptr;
    if (!own_.matches(topic))
        for (const matched& each : patterns_) {
            if (!each.as.matches(topic)) continue;
            if (reader) return conflict(topic.str(), reader->subscription, each.subscription);
            reader = &each;
        }
    if (reader) return reading{reader->subscription, topic, 0};
    return fail(errc::group_conflict,
                {.message = "no subscription of group \"" + group_ + "\" reads topic " + topic.str(),
                 .hint = "the members of a group are to read the same topics",
                 .operation = "subscribe",
                 .topic = topic.str()});
}

void group_topics::subscribe(broker::source_settings& with) const {
    for (const auto& [topic, its] : named_)
        with.topics.push_back(topic);
    for (const matched& each : patterns_)
        with.pattern += (with.pattern.empty() ? "" : "|") + ('(' + each.text + ')');
    if (!patterns_.empty()) with.except = except_;
}

} // namespace corvid

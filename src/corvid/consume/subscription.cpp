// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/subscription.hpp>

#include <map>
#include <regex>

namespace corvid {

namespace {

std::unexpected<error> conflict(const std::string& group, const std::string& topic, const std::string& a,
                                const std::string& b) {
    return fail(errc::group_conflict, {.message = "subscriptions \"" + a + "\" and \"" + b +
                                                  "\" of group \"" + group + "\" both read topic " + topic,
                                       .operation = "subscribe",
                                       .topic = topic});
}

result<std::regex> compiled(const std::string& pattern, const std::string& name) {
    try {
        return std::regex(pattern, std::regex::extended);
    } catch (const std::regex_error& e) {
        return fail(errc::invalid_setting, {.message = "the pattern \"" + pattern + "\" of subscription \"" +
                                                       name + "\" is no regular expression: " + e.what(),
                                            .operation = "subscribe"});
    }
}

} // namespace

result<void> check_disjoint(const std::string& group, const std::vector<subscription>& subscriptions) {
    std::map<std::string, std::string> owner;
    for (const auto& s : subscriptions)
        for (const auto& topic : s.topics)
            if (auto [entry, fresh] = owner.emplace(topic.str(), s.name); !fresh)
                return conflict(group, topic.str(), entry->second, s.name);
    for (const auto& s : subscriptions) {
        if (s.pattern.empty()) continue;
        auto pattern = compiled(s.pattern, s.name);
        if (!pattern) return fail(std::move(pattern).error());
        for (const auto& [topic, name] : owner)
            if (name != s.name && std::regex_search(topic, *pattern))
                return conflict(group, topic, name, s.name);
    }
    return {};
}

result<void> validate(const group_settings& settings) {
    const auto& s = settings.source;
    if (s.group.empty())
        return fail(errc::invalid_setting, {.message = "a consumer needs a group", .operation = "subscribe"});
    if (settings.commit_every <= std::chrono::milliseconds::zero())
        return fail(errc::invalid_setting,
                    {.message = "commit_every must be above zero", .operation = "subscribe"});
    if (s.session_timeout >= s.max_poll_interval)
        return fail(errc::conflicting_settings,
                    {.message = "source.session_timeout must be below source.max_poll_interval",
                     .operation = "subscribe"});
    if (settings.rebalance_drain >= s.max_poll_interval)
        return fail(
            errc::conflicting_settings,
            {.message = "rebalance_drain must be below source.max_poll_interval", .operation = "subscribe"});
    return {};
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/member.hpp>

#include <algorithm>

namespace corvid::memory {

namespace {

[[noreturn]] void refuse(errc code, std::string message) {
    throw config_error(error(code, {.message = std::move(message), .operation = "join"}));
}

topic_pattern compiled(const std::string& pattern) {
    if (pattern.empty()) return {};
    auto made = topic_pattern::of(pattern);
    if (!made) throw config_error(std::move(made).error());
    return *std::move(made);
}

} // namespace

bool interest::covers(const topic_name& name) const {
    if (std::ranges::find(topics, name) != topics.end()) return true;
    return pattern.matches(name) && !except.matches(name);
}

interest interest_of(const broker::source_settings& settings) {
    if (settings.group.empty()) refuse(errc::invalid_setting, "group is empty");
    if (settings.topics.empty() && settings.pattern.empty())
        refuse(errc::invalid_setting, "neither topics nor a pattern is given to group " + settings.group);
    if (settings.assignor != "range" && settings.assignor != "cooperative-sticky")
        refuse(errc::unsupported, "assignor " + settings.assignor +
                                      ": the in-process broker knows range and cooperative-sticky");
    if (settings.session_timeout.count() <= 0 || settings.max_poll_interval.count() <= 0)
        refuse(errc::invalid_setting, "session_timeout and max_poll_interval must be above 0");
    return {.topics = settings.topics,
            .pattern = compiled(settings.pattern),
            .except = compiled(settings.except)};
}

} // namespace corvid::memory

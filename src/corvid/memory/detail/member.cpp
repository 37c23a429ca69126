// SPDX-License-Identifier: Apache-2.0
// g++ 12 with sanitizers takes the std::function inside std::regex for uninitialised.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <corvid/memory/detail/member.hpp>

#include <algorithm>

namespace corvid::memory {

namespace {

[[noreturn]] void refuse(errc code, std::string message) {
    throw config_error(error(code, {.message = std::move(message), .operation = "join"}));
}

// librdkafka's rule: POSIX extended, from the beginning of the name, not necessarily to its end.
std::regex compiled(const std::string& pattern) {
    const std::string anchored = pattern.starts_with('^') ? pattern : "^" + pattern;
    try {
        return std::regex(anchored, std::regex::extended | std::regex::nosubs | std::regex::optimize);
    } catch (const std::regex_error& why) {
        refuse(errc::invalid_setting, "pattern \"" + pattern + "\" is no regular expression: " + why.what());
    }
}

} // namespace

bool interest::covers(const topic_name& name) const {
    if (std::ranges::find(topics, name) != topics.end()) return true;
    return pattern && std::regex_search(name.str(), *pattern);
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
    interest made{.topics = settings.topics, .pattern = {}};
    if (!settings.pattern.empty()) made.pattern = compiled(settings.pattern);
    return made;
}

} // namespace corvid::memory

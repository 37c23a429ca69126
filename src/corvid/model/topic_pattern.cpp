// SPDX-License-Identifier: Apache-2.0
// g++ 12 with sanitizers takes the std::function inside std::regex for uninitialised.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <corvid/model/topic_pattern.hpp>

#include <regex>

namespace corvid {

struct topic_pattern::compiled {
    std::regex expression;
};

result<topic_pattern> topic_pattern::of(const std::string& text) {
    constexpr auto syntax = std::regex::extended | std::regex::nosubs | std::regex::optimize;
    try {
        topic_pattern made;
        made.as_ = std::make_shared<const compiled>(std::regex(text, syntax));
        return made;
    } catch (const std::regex_error& why) {
        return fail(errc::invalid_setting,
                    {.message = "the pattern \"" + text + "\" is no regular expression: " + why.what(),
                     .operation = "subscribe"});
    }
}

bool topic_pattern::matches(const topic_name& name) const {
    return as_ && std::regex_match(name.str(), as_->expression);
}

} // namespace corvid

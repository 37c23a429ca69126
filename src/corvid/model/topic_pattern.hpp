// SPDX-License-Identifier: Apache-2.0
//
// topic_pattern: a regular expression over the names of topics, POSIX extended, as subscriptions have it. It
// matches a name as a whole, with or without ^ and $. The one answer to "does this pattern read that topic",
// for the engine and every broker.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/model/topic_name.hpp>

#include <memory>
#include <string>

namespace corvid {

/// Copies share what was compiled. Any thread.
class topic_pattern {
public:
    topic_pattern() = default; ///< matches nothing
    /// errc::invalid_setting if `text` is no regular expression.
    [[nodiscard]] static result<topic_pattern> of(const std::string& text);

    [[nodiscard]] bool matches(const topic_name& name) const;
    /// The same as an expression that need not be matched against whole names: `^(…)$`.
    [[nodiscard]] static std::string anchored(const std::string& text) { return "^(" + text + ")$"; }

private:
    struct compiled;
    std::shared_ptr<const compiled> as_;
};

} // namespace corvid

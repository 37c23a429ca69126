// SPDX-License-Identifier: Apache-2.0
//
// topic_name: the name of a Kafka topic and the rules for it (docs/design: names on the wire).
//
// corvid's rule: 2 to 6 segments of [a-z0-9-] joined by dots, at most 200 characters; a domain event has
// three,
// `<domain>.<entity>.<event-type>`. Kafka's own rule (at most 249 of [a-zA-Z0-9._-], not "." or "..") is what
// derived names (`….dlq`) and unchecked() names must still meet.
#pragma once

#include <corvid/base/result.hpp>

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace corvid {

/// Kafka's own rule.
[[nodiscard]] constexpr bool is_kafka_topic(std::string_view name) noexcept {
    if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
    for (char c : name) {
        const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '.' || c == '_' || c == '-';
        if (!ok) return false;
    }
    return true;
}

/// corvid's rule for names that people choose.
[[nodiscard]] constexpr bool is_topic(std::string_view name) noexcept {
    if (name.size() > 200) return false;
    int segments = 1;
    bool segment_is_empty = true;
    for (char c : name) {
        if (c == '.') {
            if (segment_is_empty) return false;
            segment_is_empty = true;
            ++segments;
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') {
            segment_is_empty = false;
        } else {
            return false;
        }
    }
    return !segment_is_empty && segments >= 2 && segments <= 6;
}

/// A name that only Kafka's own rule applies to: `.topic = corvid::unchecked("Legacy_Name")`.
struct unchecked_name {
    std::string_view name;
};
[[nodiscard]] constexpr unchecked_name unchecked(std::string_view name) noexcept { return {name}; }

class topic_name {
public:
    topic_name() = default;
    /// Trusts the caller: for names that were checked, at compile time or by a broker.
    explicit topic_name(std::string name) noexcept : name_(std::move(name)) {}
    explicit topic_name(std::string_view name) : name_(name) {}
    explicit topic_name(const char* name) : name_(name) {}

    /// errc::invalid_name if `name` breaks corvid's rule.
    [[nodiscard]] static result<topic_name> checked(std::string_view name);
    /// errc::invalid_name if `name` breaks Kafka's rule.
    [[nodiscard]] static result<topic_name> checked(unchecked_name name);

    [[nodiscard]] const std::string& str() const noexcept { return name_; }
    [[nodiscard]] const char* c_str() const noexcept { return name_.c_str(); }
    [[nodiscard]] bool empty() const noexcept { return name_.empty(); }
    auto operator<=>(const topic_name&) const = default;

private:
    std::string name_;
};

} // namespace corvid

template <>
struct std::hash<corvid::topic_name> {
    std::size_t operator()(const corvid::topic_name& t) const noexcept {
        return std::hash<std::string>{}(t.str());
    }
};

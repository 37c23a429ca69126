// SPDX-License-Identifier: Apache-2.0
//
// Where a record stands: partition_id, offset, topic_partition; and group_id, who reads it.
#pragma once

#include <corvid/model/topic_name.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace corvid {

/// A partition's number, from 0.
struct partition_id {
    constexpr explicit partition_id(std::int32_t number) noexcept : value(number) {}
    std::int32_t value;
    auto operator<=>(const partition_id&) const = default;
};

/// A record's place in its partition, from 0. A *position* or *committed* offset is the one to read next.
struct offset {
    constexpr explicit offset(std::int64_t number) noexcept : value(number) {}
    std::int64_t value;
    [[nodiscard]] constexpr offset next() const noexcept { return offset(value + 1); }
    auto operator<=>(const offset&) const = default;
};

struct topic_partition {
    topic_name topic;
    partition_id partition;
    auto operator<=>(const topic_partition&) const = default;
};

/// `topic[3]`, for logs and errors.
[[nodiscard]] std::string to_string(const topic_partition& where);

class group_id {
public:
    explicit group_id(std::string name) noexcept : name_(std::move(name)) {}
    [[nodiscard]] const std::string& str() const noexcept { return name_; }
    auto operator<=>(const group_id&) const = default;

private:
    std::string name_;
};

} // namespace corvid

template <>
struct std::hash<corvid::topic_partition> {
    std::size_t operator()(const corvid::topic_partition& t) const noexcept {
        return std::hash<corvid::topic_name>{}(t.topic) * 31 + static_cast<std::size_t>(t.partition.value);
    }
};

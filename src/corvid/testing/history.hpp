// SPDX-License-Identifier: Apache-2.0
//
// What a world saw: what handlers did, what was committed, and what lies in topics.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/memory/faults.hpp>
#include <corvid/message/traits.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/model/position.hpp>
#include <corvid/serde/decode_record.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace corvid::testing {

/// A handler's attempt at a record that came to its end. What a crash cut off is not among them.
struct handled_record {
    std::string instance = {}, group = {};
    topic_partition where{{}, partition_id(-1)};
    corvid::offset offset{-1};
    std::optional<std::string> key = {};
    int attempt = 1;
    verdict what = verdict::done;
    std::string why = {};      ///< of retry, dead_letter and stop
    duration began{}, ended{}; ///< since the world began
    std::uint64_t tenancy = 0; ///< one number for each time that a partition is given to a member

    /// Neither retried nor, by a crash or a rebalance, left to another.
    [[nodiscard]] bool is_final() const noexcept { return what != verdict::retry && what != verdict::stop; }
};

/// An offset that an instance asked to be committed.
struct commit_seen {
    std::string instance = {}, group = {};
    topic_partition where{{}, partition_id(-1)};
    offset next{-1};
    bool accepted = false;
    duration at{}; ///< since the world began
};

/// A partition in an instance's hands, from given to given back, taken away or the instance's death.
struct tenancy_seen {
    std::uint64_t number = 0; ///< handled_record::tenancy
    std::string instance = {}, group = {};
    topic_partition where{{}, partition_id(-1)};
    duration given{};
    std::optional<duration> over = {};
    bool lost = false; ///< taken away without a chance to commit, or dead
};

/// A record of a topic. Members that a world adds to what the broker keeps: where it lies.
struct kept_record : memory::stored_record {
    topic_partition where;
    /// The last header of that name; none: there is none.
    [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// A record read as T; no value (a tombstone) leaves `message` as T{}.
template <Message T>
struct published : kept_record {
    T message = {};
    [[nodiscard]] bool is_tombstone() const noexcept { return !value; }
    const T& operator*() const noexcept { return message; }
    const T* operator->() const noexcept { return &message; }
};

/// A vector that knows which world it is of, for the messages of failures.
template <class Element>
struct listed : std::vector<Element> {
    std::uint64_t seed = 0;
};

namespace detail {

[[nodiscard]] std::string position_of(const kept_record& what);

/// Throws std::runtime_error with the position where the record is no T.
template <Message T>
published<T> read_as(const kept_record& from) {
    published<T> made{from, {}};
    if (!from.value) return made;
    header_list list;
    for (const auto& [name, value] : from.headers)
        list.push_back({name, optional_bytes(value)});
    record r;
    r.value = optional_bytes(*from.value);
    if (auto read = decode_record(r, list, made.message); !read)
        throw std::runtime_error(position_of(from) + ": " + read.error().describe());
    return made;
}

} // namespace detail

} // namespace corvid::testing

// SPDX-License-Identifier: Apache-2.0
//
// dead_letters: sends what cannot be handled to `{topic}.{group}.dlq`, its bytes, headers and timestamp
// untouched, its provenance in headers behind them (wire_names.hpp), to the partition of its source modulo
// those of the dead letter topic. Its records are durable when `then` says so, and not before.
#pragma once

#include <corvid/consume/detail/tenancy.hpp>
#include <corvid/produce/publisher.hpp>

#include <functional>

namespace corvid {

/// `{topic}.{group}.dlq`
[[nodiscard]] std::string dead_letter_topic(const topic_name& of, const std::string& group);

class dead_letters {
public:
    /// `by` outlives this object and every send.
    dead_letters(publisher* by, std::string service, std::string instance)
        : by_(by), service_(std::move(service)), instance_(std::move(instance)) {}

    /// `then(none: it is durable)` runs once, on the delivery loop, or here if the record is refused at once.
    void send(const held_record& what, std::function<void(std::optional<error>)> then) const;

private:
    [[nodiscard]] result<published_topic*> topic_of(const held_record& what) const;
    publisher* by_;
    std::string service_, instance_;
};

} // namespace corvid

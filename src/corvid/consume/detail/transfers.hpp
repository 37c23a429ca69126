// SPDX-License-Identifier: Apache-2.0
//
// transfers: puts records elsewhere: what cannot be handled to `{topic}.{group}.dlq`, what is to be tried
// later, without its key waiting, to `{topic}.{group}.retry.{delay}`. Bytes, headers and timestamp go
// untouched, what corvid knows in headers behind them (wire_names.hpp), without the texts of the failure
// where the broker finds that too large; the partition is that of the source, modulo those of the topic. A
// record is durable there when `then` says so, and not before.
#pragma once

#include <corvid/consume/detail/tenancy.hpp>
#include <corvid/produce/publisher.hpp>

#include <functional>

namespace corvid {

/// `{topic}.{group}.dlq`
[[nodiscard]] std::string dead_letter_topic(const topic_name& of, const std::string& group);
/// `{topic}.{group}.retry.{delay}`: 500ms, 30s, 5m, 2h
[[nodiscard]] std::string retry_topic(const topic_name& of, const std::string& group, duration delay);

/// Reads what an earlier transfer to a retry topic knew of the record into it; answers when it is due.
[[nodiscard]] wall_time read_retry(held_record& into);

class transfers {
public:
    using callback = std::function<void(result<offset>)>;

    /// `by` and `clock` outlive this object and every transfer.
    transfers(publisher* by, const scheduler& clock, std::string service, std::string instance)
        : by_(by), clock_(clock), service_(std::move(service)), instance_(std::move(instance)) {}

    /// Where `what` says that it goes. `then(its offset there: it is durable)` runs once, on the delivery
    /// loop, or here if the record is refused at once.
    void start(const held_record& what, callback then) const;

private:
    [[nodiscard]] result<published_topic*> destination(const held_record& what) const;
    publisher* by_;
    const scheduler& clock_;
    std::string service_, instance_;
};

} // namespace corvid

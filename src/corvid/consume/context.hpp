// SPDX-License-Identifier: Apache-2.0
//
// context: what a handler knows beside the message: the record's place, key and headers, the attempt, and
// when to stop. A view of the run; it lives until the handler's task is complete, and handlers keep it across
// co_await, never beyond.
#pragma once

#include <corvid/base/sleep.hpp>
#include <corvid/consume/run.hpp>
#include <corvid/message/wire_names.hpp>

#include <string>
#include <string_view>

namespace corvid {

/// A logger whose lines name the record and, where its headers have them, correlation_id and trace_id.
[[nodiscard]] logger log_of(const run_origin& origin, std::int64_t offset, const header_list& its_headers);

/// What a decoder said, with the record that it said it of.
[[nodiscard]] error located_in(const error& why, const topic_partition& where, std::int64_t offset);

class context {
public:
    explicit context(const run& of) noexcept
        : run_(&of), record_(&of.current()), first_failed_(of.first_failed_at()), attempt_(of.attempt()) {}

    [[nodiscard]] const std::string& topic() const noexcept { return run_->origin().where.topic.str(); }
    [[nodiscard]] partition_id partition() const noexcept { return run_->origin().where.partition; }
    [[nodiscard]] corvid::offset offset() const noexcept { return corvid::offset(record_->offset); }
    [[nodiscard]] optional_bytes key() const noexcept { return record_->key; }
    [[nodiscard]] optional_bytes value() const noexcept { return record_->value; }
    [[nodiscard]] wall_time timestamp() const noexcept { return record_->time(); }
    /// Parsed at each call; valid while the context is.
    [[nodiscard]] header_list headers() const { return run_->headers(); }
    /// Header idempotency_key, else ce_id, else `<topic>-<partition>-<offset>`.
    [[nodiscard]] std::string event_id() const;

    /// Its lines name the record and, where its headers have them, correlation_id and trace_id. Reads the
    /// headers at each call: keep it while the handler runs.
    [[nodiscard]] logger log() const;

    [[nodiscard]] const std::string& group() const noexcept { return *run_->origin().group; }
    /// How often a handler has had this record, this time included, before a retry topic too: 1 at first.
    [[nodiscard]] int attempt() const noexcept { return attempt_; }
    /// When it failed first; none: it did not.
    [[nodiscard]] std::optional<wall_time> first_failed_at() const noexcept { return first_failed_; }

    /// Asked when the partition is taken away or the service stops: finish soon. The record's lane stays
    /// locked until the handler returns.
    [[nodiscard]] const stop_token& stop() const noexcept { return run_->origin().stop; }

    /// `co_await ctx.sleep(200ms)`: on the service's clock, which tests move by themselves.
    [[nodiscard]] sleep_operation sleep(duration length) const noexcept { return corvid::sleep(length); }

private:
    const run* run_;
    const record* record_;
    std::optional<wall_time> first_failed_;
    int attempt_;
};

} // namespace corvid

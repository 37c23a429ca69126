// SPDX-License-Identifier: Apache-2.0
//
// context: what a handler knows beside the message: the record's place, key and headers, the attempt, and
// when to stop. A view of the run; it lives until the handler's task is complete, and handlers keep it across
// co_await, never beyond.
#pragma once

#include <corvid/base/sleep.hpp>
#include <corvid/consume/run.hpp>
#include <corvid/consume/shapes/published.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <string>
#include <string_view>

namespace corvid {

/// A logger whose lines name the record and, where its headers have them, correlation_id and trace_id.
[[nodiscard]] logger log_of(const run_origin& origin, std::int64_t offset, const header_list& its_headers);

/// What a decoder said, with the record that it said it of.
[[nodiscard]] error located_in(const error& why, const topic_partition& where, std::int64_t offset);

/// context::event_id() of the record at `offset`, which has these headers.
[[nodiscard]] std::string event_id_of(const run_origin& origin, std::int64_t offset,
                                      const header_list& its_headers);

class context {
public:
    /// `within`: the attempt, where the subscription has a chain.
    explicit context(const run& of, const corvid::attempt* within = nullptr) noexcept
        : run_(&of),
          record_(&of.current()),
          within_(within),
          first_failed_(of.first_failed_at()),
          attempt_(of.attempt()) {}

    [[nodiscard]] const std::string& topic() const noexcept { return run_->origin().where.topic.str(); }
    [[nodiscard]] partition_id partition() const noexcept { return run_->origin().where.partition; }
    [[nodiscard]] corvid::offset offset() const noexcept { return corvid::offset(record_->offset); }
    [[nodiscard]] optional_bytes key() const noexcept { return record_->key; }
    [[nodiscard]] optional_bytes value() const noexcept { return record_->value; }
    [[nodiscard]] wall_time timestamp() const noexcept { return record_->time(); }
    /// Parsed at each call; valid while the context is.
    [[nodiscard]] header_list headers() const { return run_->headers(); }
    /// Header idempotency_key, else ce_id, else `<topic>-<partition>-<offset>`: of where it came from, if it
    /// comes from a retry topic.
    [[nodiscard]] std::string event_id() const { return event_id_of(origin(), record_->offset, headers()); }

    /// The same for all that one cause set off: header correlation_id, else the event id of this record,
    /// which is a cause then. Reads the headers.
    [[nodiscard]] std::string correlation_id() const;
    /// The event id of the record that this one comes from, if its headers say it.
    [[nodiscard]] std::optional<std::string> causation_id() const;
    /// The span of this attempt: a child of the record's traceparent, or of a trace that begins here. What
    /// the handler sends on carries it. Reads the headers where the subscription does not trace.
    [[nodiscard]] trace_context trace() const;

    /// Its lines name the record, correlation_id and, where it belongs to a trace, trace_id and span_id.
    /// Reads the headers at each call: keep it while the handler runs.
    [[nodiscard]] logger log() const;

    [[nodiscard]] const std::string& group() const noexcept { return *run_->origin().group; }
    /// How often a handler has had this record, this time included, before a retry topic too: 1 at first.
    [[nodiscard]] int attempt() const noexcept { return attempt_; }
    /// When it failed first; none: it did not.
    [[nodiscard]] std::optional<wall_time> first_failed_at() const noexcept { return first_failed_; }

    /// Asked when the subscription's deadline is over, the partition is taken away or the service stops:
    /// finish soon. The record's lane stays locked until the handler returns. A handler that does not let its
    /// loop run is told of its deadline by the call alone: it asks anew each time.
    [[nodiscard]] const stop_token& stop() const noexcept {
        const stop_token* const limited = within_ ? within_->stop() : nullptr;
        return limited ? *limited : run_->origin().stop;
    }

    /// Sends the message, to its topic, on behalf of this record: the record is done only when all that it
    /// published is acknowledged; a publish that fails makes the attempt a retry, whatever the handler
    /// answers. Bytes are copied before it returns; await the answer, or do not. Headers correlation_id,
    /// causation_id and traceparent go along, and an idempotency_key `<event id>/<n>`, n from 1 in the order
    /// of the calls: a record that comes again publishes the same ids if its handler publishes the same.
    /// Any thread that the handler works on, one at a time. Errors: those of message_producer::send.
    template <Message M>
    published publish(const M& message, const send_options& options = {}) {
        const detail::publish_headers says = next_publish(options);
        send_options with = options;
        with.event_id = says.id();
        with.headers = says.all();
        auto& answer = *detail::pool_new<detail::publish_answer>(run_->published());
        const auto came = [&answer](result<delivery> at) { answer.came(std::move(at)); };
        if (publisher* const out = run_->origin().out)
            message_producer(*out).send(message, came, with);
        else
            came(no_producer());
        return published(answer);
    }
#ifdef CORVID_NO_TEMPORARIES_IN_CO_AWAIT
    template <Message M>
        requires(!std::is_lvalue_reference_v<M>)
    gcc_12_destroys_temporaries_in_co_await_twice_so_name_what_you_publish publish(
        M&& message, const send_options& options = {}) {
        static_cast<void>(publish(static_cast<const M&>(message), options));
        return {};
    }
#endif

    /// Which of several handlers for one record this is; and what orders it (lane_number of held_record.hpp).
    [[nodiscard]] std::uint32_t part() const noexcept { return run_->part(); }
    /// Of a subscription with a completion stage, whose records are held.
    [[nodiscard]] std::uint64_t lane_number() const noexcept {
        return corvid::lane_number(*run_->held(), run_->origin().order);
    }
    [[nodiscard]] const run_origin& origin() const noexcept { return run_->origin(); }
    /// Of its assignment, where the completion stage keeps positions.
    [[nodiscard]] std::uint64_t ticket() const noexcept { return run_->origin().ticket; }
    /// The record is not done before the tally is answered, or refused, once more: for completion stages.
    [[nodiscard]] publish_tally& hold_open() const {
        publish_tally& tally = run_->published();
        tally.one_more();
        return tally;
    }

    /// `co_await ctx.sleep(200ms)`: on the service's clock, which tests move by themselves. It takes its time
    /// whatever stop() says, and holds the record, and a stop of the service, so long: wait in short steps.
    [[nodiscard]] sleep_operation sleep(duration length) const noexcept {
        return sleep_operation(length, {run_, run_->behind()});
    }

private:
    [[nodiscard]] detail::publish_headers next_publish(const send_options& given);
    [[nodiscard]] static result<delivery> no_producer();

    const run* run_;
    const record* record_;
    const corvid::attempt* within_;
    std::optional<wall_time> first_failed_;
    int attempt_;
};

} // namespace corvid

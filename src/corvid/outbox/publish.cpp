// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/publish.hpp>

#include <corvid/base/ids.hpp>
#include <corvid/model/outcome.hpp>
#include <corvid/model/topic_name.hpp>
#include <corvid/observe/trace_context.hpp>
#include <corvid/outbox/commit_signal.hpp>
#include <corvid/outbox/outbox_rows.hpp>
#include <corvid/store/identifier.hpp>

#include <algorithm>
#include <map>

namespace corvid {

namespace {

using outbox_detail::event_row;
using event_rows = std::vector<event_row>;

// One for all units: what comes last in a transaction comes once.
class outbox_hook final : public commit_hook {
public:
    static const std::shared_ptr<commit_hook>& get() {
        static const std::shared_ptr<commit_hook> only = std::make_shared<outbox_hook>();
        return only;
    }
    void before_commit(std::span<unit_of_work* const> units, const store::dialect& dialect,
                       std::vector<store::statement>& into) override {
        std::vector<const event_row*> rows;
        for (unit_of_work* unit : units)
            for (const auto& [hook, place] : unit->hooks())
                if (hook.get() == this)
                    for (const event_row& row : std::any_cast<const event_rows&>(place))
                        rows.push_back(&row);
        append_inserts(rows, dialect, into);
    }
    void after_commit(std::span<unit_of_work* const>, store::session_lender* lender) noexcept override {
        const bool all_is_here = outbox_detail::tell_commit();
        if (!all_is_here && lender) lender->notify(outbox_detail::commit_channel);
    }
};

std::string fresh_id(id_generator& ids) {
    const scheduler* const here = scheduler::current();
    return to_string(here ? ids.uuid7(here->wall_now()) : ids.uuid4());
}

std::string fresh_trace(id_generator& ids) {
    trace_context made;
    const uuid trace = ids.uuid4(), span = ids.uuid4();
    made.trace_id = trace.bytes;
    std::copy_n(span.bytes.begin(), made.span_id.size(), made.span_id.begin());
    return made.traceparent();
}

void check_text(std::string_view what, std::string_view text) {
    if (store::is_utf8(text) && text.find('\0') == std::string_view::npos) return;
    outbox_detail::refuse(error(errc::unserialisable, {.message = std::string(what) + " is not text",
                                                       .hint = "keys and ids are UTF-8 without NUL",
                                                       .operation = "publish"}));
}

// Every event says these, as what a context publishes does; the caller's own count.
std::string headers_of(const unit_of_work& in, const std::string& id, id_generator& ids,
                       std::span<const header_view> given) {
    std::map<std::string, std::string> all;
    if (in.occasion()) {
        unit_cause cause = in.occasion()->cause();
        all = {{std::string(wire::correlation_id), std::move(cause.correlation_id)},
               {std::string(wire::causation_id), std::move(cause.causation_id)},
               {std::string(wire::traceparent), std::move(cause.traceparent)}};
    } else {
        all = {{std::string(wire::correlation_id), id}, {std::string(wire::traceparent), fresh_trace(ids)}};
    }
    for (const header_view& each : given)
        if (each.value) all[std::string(each.name)] = each.value.text();
    all[std::string(wire::idempotency_key)] = id;
    byte_buffer text;
    json::writer out(text);
    if (!json::write_value(out, all)) outbox_detail::refuse(out.why());
    return std::string(text.text());
}

} // namespace

void outbox_detail::refuse(const error& why) { throw rejected(why.describe()); }

void publish(unit_of_work& in, const outbox_event& event, const outbox_options& options) {
    thread_local id_generator ids(entropy_seed());
    if (!is_kafka_topic(event.topic))
        outbox_detail::refuse(
            error(errc::invalid_name, {.message = "\"" + event.topic + "\"", .operation = "publish"}));
    event_row row{.id = options.event_id.empty() ? fresh_id(ids) : std::string(options.event_id),
                  .aggregate_type = std::string(options.aggregate_type.empty() ? std::string_view(event.topic)
                                                                               : options.aggregate_type),
                  .event_type = std::string(event.event_type),
                  .topic = event.topic};
    if (const auto key = options.key ? options.key : event.key) row.aggregate_id = std::string(*key);
    if (event.payload) row.payload = std::string(*event.payload);
    check_text("the event id", row.id);
    check_text("the aggregate type", row.aggregate_type);
    check_text("the key", row.aggregate_id.value_or(""));
    check_text("the event type", row.event_type);
    row.headers = headers_of(in, row.id, ids, options.headers);
    in.count_bytes(row.headers.size() + (row.payload ? row.payload->size() : 0) + row.topic.size() + 128);
    std::any& place = in.place_for(outbox_hook::get());
    if (!place.has_value()) place = event_rows{};
    std::any_cast<event_rows&>(place).push_back(std::move(row));
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/offset_stage.hpp>

#include <corvid/consume/shapes/publish_tally.hpp>
#include <corvid/inbox/exactly_once/group_inbox.hpp>

namespace corvid {

namespace {

// Those in front of a record that asks may wait for the place that its handler has: it gives it up after so
// long, and is called again.
constexpr std::chrono::milliseconds patience_of_those_that_ask(100);

} // namespace

void offset_stage::add(const context& record, unit_of_work unit) {
    offset_effect one{.offset = record.offset().value, .unit = std::move(unit)};
    one.tag = reinterpret_cast<std::uintptr_t>(&record.hold_open());
    of_.by_offset().hand_in(record.ticket(), std::move(one));
}

task<result<std::shared_ptr<asked_unit>>> offset_stage::begin(const context& record) {
    std::vector<offset_writer::stretch> one;
    one.push_back({record.ticket(), {record.offset().value}});
    auto beginning = of_.by_offset().begin(std::move(one), patience_of_those_that_ask);
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    co_return *std::move(begun);
}

task<result<std::shared_ptr<asked_batch>>> offset_stage::begin(const batch_attempt& of,
                                                               batch_attempt::range which) {
    std::vector<offset_writer::stretch> all;
    for (std::size_t i = which.from; i < which.to; ++i) {
        const std::uint64_t ticket = of.run_of(i).origin().ticket;
        if (all.empty() || all.back().of != ticket) all.push_back({ticket, {}});
        all.back().offsets.push_back(of.record_at(i).offset);
    }
    auto beginning = of_.by_offset().begin(std::move(all), patience_of_those_that_ask);
    co_return co_await beginning;
}

void offset_stage::dead_lettered(context& record) { add(record, {}); }

void offset_stage::find(const topic_partition& of, std::function<void(result<std::optional<offset>>)> then) {
    of_.by_offset().read(of.topic.str(), of.partition.value,
                         [then = std::move(then)](const result<std::optional<std::int64_t>>& row) {
                             if (!row) return then(fail(row.error()));
                             then(*row ? std::optional(offset(**row)) : std::nullopt);
                         });
}

result<void> offset_stage::check(const topic_partition& of, offset position,
                                 const broker::log_range& log) const {
    return check_position({.group = of_.group(), .topic = of.topic.str(), .partition = of.partition.value},
                          position.value, log.begin.value, log.end.value);
}

std::uint64_t offset_stage::begin(const topic_partition& of, offset first, bool is_position,
                                  std::function<void(const error&)> lost) {
    const std::uint64_t ticket = of_.new_ticket(std::move(lost));
    of_.by_offset().assign(ticket, of.topic.str(), of.partition.value, first.value, is_position);
    return ticket;
}

void offset_stage::took(std::uint64_t ticket, std::span<const record> records) {
    std::vector<offset_writer::span> spans;
    for (const record& each : records)
        if (!spans.empty() && spans.back().last == each.offset)
            ++spans.back().last;
        else
            spans.push_back({each.offset, each.offset + 1});
    of_.by_offset().expect(ticket, std::move(spans));
}

void offset_stage::take_back(std::uint64_t ticket, offset which) {
    of_.by_offset().take_back(ticket, which.value);
}

void offset_stage::cut_from(std::uint64_t ticket, offset from) {
    of_.by_offset().cut_from(ticket, from.value);
}

void offset_stage::end(std::uint64_t ticket) {
    of_.by_offset().revoke(ticket);
    of_.end_ticket(ticket);
}

} // namespace corvid

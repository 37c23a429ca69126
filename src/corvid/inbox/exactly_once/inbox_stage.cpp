// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/inbox_stage.hpp>

#include <corvid/consume/shapes/event_type.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>
#include <corvid/inbox/exactly_once/group_inbox.hpp>
#include <corvid/inbox/write_effects.hpp>
#include <corvid/lanes/failure_policy.hpp>

namespace corvid {

namespace {

bool is_over(const outcome& what) noexcept { return what == verdict::done || what == verdict::skip; }

event_mark mark_of(const run_origin& origin, std::int64_t offset, const header_list& list) {
    event_mark mark{.id = event_id_of(origin, offset, list),
                    .topic = origin.where.topic.str(),
                    .partition = origin.where.partition.value,
                    .offset = offset};
    if (const auto type = detail::event_type_in(list)) mark.event_type = std::string(*type);
    if (const auto id = find_header(list, wire::correlation_id)) mark.correlation_id = std::string(*id);
    return mark;
}
// `#`: what a record publishes has the ids `<its event id>/…`, which may come by this group, too.
event_mark mark_of(const context& record, std::uint32_t part) {
    event_mark mark = mark_of(record.origin(), record.offset().value, record.headers());
    if (part > 0) mark.id += '#' + std::to_string(part);
    return mark;
}

} // namespace

outcome inbox_stage::hand_in(const context& record, unit_of_work unit, outcome said) {
    if (!is_over(said)) return said;
    if (said == verdict::skip) unit = {};
    add(record, std::move(unit));
    return said;
}

// A handler may hand on what a database of its own said: there is no telling which.
bool inbox_stage::is_attempt(const error& why) const noexcept {
    const bool is_held = why == errc::effect_held || why == errc::stopped || why == errc::offset_moved;
    const bool is_lost = why == errc::database_unreachable || why == errc::commit_unknown;
    return !is_held && !is_lost && inbox_detail::blame_for(why) != inbox_detail::blame::database;
}

// --- by event id ------------------------------------------------------------------------------------------

void event_stage::add(const context& record, unit_of_work unit) {
    add_part(record, record.part(), std::move(unit));
}

// The mark first: nobody answers a tally for what could not be handed in.
void event_stage::add_part(const context& record, std::uint32_t part, unit_of_work unit) {
    effect one{.lane = record.lane_number() ^ salt_, .mark = mark_of(record, part), .unit = std::move(unit)};
    one.tag = reinterpret_cast<std::uintptr_t>(&record.hold_open());
    of_.writer().add(std::move(one));
}

task<result<std::shared_ptr<asked_unit>>> event_stage::begin(const context& record) {
    auto beginning = of_.writer().begin(mark_of(record, record.part()), record.lane_number() ^ salt_);
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    co_return *std::move(begun);
}

task<result<std::shared_ptr<asked_batch>>> event_stage::begin(const batch_attempt& of,
                                                              batch_attempt::range which) {
    std::vector<event_mark> marks;
    marks.reserve(which.size());
    for (std::size_t i = which.from; i < which.to; ++i) {
        const held_record& one = of.record_at(i);
        marks.push_back(mark_of(of.run_of(i).origin(), one.offset, one.its_headers()));
    }
    auto beginning = of_.writer().begin_batch(std::move(marks));
    auto begun = co_await beginning;
    if (!begun) co_return fail(std::move(begun.error()));
    co_return *std::move(begun);
}

void event_stage::reopen(std::uint64_t lane) noexcept { of_.writer().reopen(lane ^ salt_); }

void event_stage::dead_lettered(context& record) {
    for (std::uint32_t part = parts_ > 0 ? 1 : 0; part <= parts_; ++part)
        add_part(record, part, {});
}

// --- handlers that ask ------------------------------------------------------------------------------------

task<result<std::shared_ptr<unit_reader>>> asking_attempt::open(std::uint64_t) {
    auto begun = co_await by_.begin(record_);
    if (!begun) {
        refused_ = begun.error();
        co_return fail(std::move(begun.error()));
    }
    opened_ = *std::move(begun);
    co_return std::shared_ptr<unit_reader>(std::shared_ptr<void>(), this); // which outlives its unit
}

task<result<store::answer>> asking_attempt::ask(unit_of_work& unit, store::statement question) {
    auto answer = co_await opened_->ask(unit, std::move(question));
    if (!answer && !refused_) refused_ = answer.error();
    co_return answer;
}

// Whatever a handler that did not get its answer says, it is not done, and no attempt if the database was
// away.
task<outcome> asking_attempt::end(unit_of_work& unit, outcome said) {
    const bool could_be_asked = !refused_ || *refused_ == errc::already_processed;
    if (opened_ && !opened_->any_new() && could_be_asked) co_return outcome(done);
    if (refused_ && (is_over(said) || !by_.is_attempt(*refused_)))
        co_return failure_policy::outcome_of(*std::move(refused_));
    if (!unit.asked()) co_return by_.hand_in(record_, std::move(unit), std::move(said));
    if (said == verdict::skip) { // its transaction ends with its owners
        unit = {};
        opened_.reset();
        co_return by_.hand_in(record_, {}, std::move(said));
    }
    if (said != verdict::done) co_return said;
    auto written = co_await opened_->commit(unit);
    if (!written) co_return failure_policy::outcome_of(std::move(written.error()));
    co_return said;
}

} // namespace corvid

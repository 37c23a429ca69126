// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/write_effects.hpp>

#include <corvid/inbox/bisection.hpp>
#include <corvid/store/write.hpp>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace corvid::inbox_detail {

namespace {

using fate = write_outcome::fate;

class batch {
public:
    batch(store::session& on, mark_table& table, std::span<effect> events)
        : on_(on), table_(table), events_(events) {
        report_.each.resize(events.size());
    }

    task<write_report> write() {
        choose();
        bisection plan(chosen_.size());
        while (const auto next = plan.next()) {
            const auto failed = co_await write_range(*next);
            if (!failed)
                plan.committed();
            else if (!go_on_after(*failed, *next, plan))
                break;
        }
        tell_repeats();
        co_return std::move(report_);
    }

private:
    struct failure {
        error why;
        bool at_marks;                           // nobody's statements have been sent
        std::optional<std::size_t> culprit = {}; // as bisection counts
    };

    void settle(std::size_t index, result<processing> outcome) {
        if (!outcome) stopped_.insert(events_[index].lane);
        report_.each[index] = {fate::settled, std::move(outcome)};
    }

    // Those that are written: the first of each id, if the id is one. What another lane decides upon, or what
    // closes its own, is the last of its lane in this batch.
    void choose() {
        std::unordered_set<std::uint64_t> left; // lanes whose rest stays unwritten
        for (std::size_t i = 0; i < events_.size(); ++i) {
            const std::uint64_t lane = events_[i].lane;
            if (stopped_.contains(lane) || left.contains(lane)) continue;
            if (auto valid = check(events_[i]); !valid) {
                if (is_chosen(lane))
                    left.insert(lane); // refused alone: those before it are no part of its failure
                else
                    settle(i, fail(std::move(valid.error())));
            } else if (const auto [known, is_new] = first_.try_emplace(events_[i].mark.id, i); is_new) {
                chosen_.push_back(i);
            } else {
                repeats_.emplace_back(i, known->second);
                if (events_[known->second].lane != lane) left.insert(lane);
            }
        }
    }
    [[nodiscard]] static result<void> check(const effect& one) {
        if (one.unit.asked())
            return fail(errc::invalid_argument,
                        {.message = "a unit that has asked is committed by its own transaction"});
        return validate(one.mark);
    }
    [[nodiscard]] bool is_chosen(std::uint64_t lane) const {
        return std::ranges::any_of(chosen_, [&](std::size_t each) { return events_[each].lane == lane; });
    }
    // One that repeats another in the batch has nothing to do once that one's effect is there, if nothing
    // before it in its lane waits.
    void tell_repeats() {
        for (const auto& [repeat, first] : repeats_) {
            const write_outcome& of_first = report_.each[first];
            if (of_first.what == fate::settled && of_first.outcome && !behind_unwritten(repeat))
                settle(repeat, processing::already_processed);
        }
    }
    [[nodiscard]] bool behind_unwritten(std::size_t index) const {
        for (std::size_t i = 0; i < index; ++i)
            if (events_[i].lane == events_[index].lane &&
                (report_.each[i].what != fate::settled || !report_.each[i].outcome))
                return true;
        return false;
    }

    // False where nothing more is to be tried.
    bool go_on_after(const failure& failed, bisection::range range, bisection& plan) {
        const blame whose = blame_for(failed.why);
        const bool may_pass = failed.why.kind() == error_kind::retriable;
        if (whose != blame::record || (failed.at_marks && may_pass)) {
            report_.trouble = failed.why;
            if (whose == blame::anybody && range.size() == 1 && !failed.at_marks)
                refuse(range.first, failed.why);
            return false;
        }
        if (failed.why.kind() == error_kind::fatal && failed.at_marks) {
            for (std::size_t i = range.first; i < chosen_.size(); ++i)
                settle(chosen_[i], fail(failed.why));
            return false;
        }
        if (plan.refused(failed.culprit)) refuse(range.first, failed.why);
        return true;
    }
    void refuse(std::size_t place, const error& why) {
        const std::size_t index = chosen_[place];
        stopped_.insert(events_[index].lane);
        report_.each[index] = {why.kind() == error_kind::retriable ? fate::again : fate::settled, fail(why)};
    }

    task<std::optional<failure>> write_range(bisection::range which) {
        std::vector<const event_mark*> marks;
        for (std::size_t i = which.first; i < which.last; ++i)
            if (goes_on(i)) marks.push_back(&events_[chosen_[i]].mark);
        if (marks.empty()) co_return std::nullopt;
        store::transaction_state state;
        std::vector<store::statement> opening(1, store::statement{.sql = std::string(on_.dialect().begin)});
        auto fresh = co_await begin_marked(on_, state, std::move(opening), table_, marks);
        if (!fresh) co_return failure{std::move(fresh.error()), true};
        std::vector<unit_of_work*> units;
        std::vector<std::size_t> places;
        pick(which, *fresh, units, places);
        auto written = co_await store::write_units(on_, state, units);
        if (!written) {
            std::optional<std::size_t> culprit;
            if (written.error().unit) culprit = places[*written.error().unit];
            co_return failure{std::move(written.error().why), false, culprit};
        }
        told(which, places);
        co_return std::nullopt;
    }
    [[nodiscard]] bool goes_on(std::size_t place) const {
        return !stopped_.contains(events_[chosen_[place]].lane);
    }
    void pick(bisection::range which, const fresh_ids& fresh, std::vector<unit_of_work*>& units,
              std::vector<std::size_t>& places) {
        for (std::size_t i = which.first; i < which.last; ++i) {
            effect& event = events_[chosen_[i]];
            if (!goes_on(i) || !fresh.contains(event.mark.id)) continue;
            units.push_back(&event.unit);
            places.push_back(i);
        }
    }
    void told(bisection::range which, std::span<const std::size_t> processed) {
        for (std::size_t i = which.first; i < which.last; ++i)
            if (goes_on(i)) settle(chosen_[i], processing::already_processed);
        for (const std::size_t place : processed)
            settle(chosen_[place], processing::processed);
    }

    store::session& on_;
    mark_table& table_;
    std::span<effect> events_;
    write_report report_;
    std::vector<std::size_t> chosen_;
    std::unordered_map<std::string_view, std::size_t> first_;
    std::vector<std::pair<std::size_t, std::size_t>> repeats_;
    std::unordered_set<std::uint64_t> stopped_; // lanes with one that failed
};

} // namespace

blame blame_for(const error& why) noexcept {
    using enum blame;
    if (why == errc::database_refused || why == errc::pool_exhausted) return database;
    if (why == errc::database_unreachable || why == errc::commit_unknown) return anybody;
    if (why != errc::database_busy) return record;
    const std::string_view state = why.sqlstate(); // none: a COMMIT that was lost, and is not there
    if (state.starts_with("40") || state.starts_with("55")) return record;
    return state.starts_with("XX") ? anybody : database;
}

task<write_report> write_effects(store::session& on, mark_table& table, std::span<effect> events) {
    batch one(on, table, events);
    co_return co_await one.write();
}

} // namespace corvid::inbox_detail

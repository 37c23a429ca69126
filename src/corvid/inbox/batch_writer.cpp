// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/batch_writer.hpp>

#include <corvid/inbox/bisection.hpp>
#include <corvid/store/write.hpp>

#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace corvid {

namespace {

using inbox_detail::bisection;
using outcomes = std::vector<result<processing>>;

class batch {
public:
    batch(store::session& on, std::vector<marked_unit> events)
        : on_(on),
          events_(std::move(events)),
          outcomes_(events_.size(), result<processing>(processing::already_processed)) {}

    task<outcomes> write() {
        choose();
        bisection plan(chosen_.size());
        while (const auto next = plan.next()) {
            const auto failed = co_await write_range(*next);
            if (!failed) {
                plan.committed();
            } else if (failed->why.kind() == error_kind::retriable) {
                for (std::size_t i = next->first; i < chosen_.size(); ++i)
                    outcomes_[chosen_[i]] = fail(failed->why);
                break;
            } else if (plan.refused(failed->unit)) {
                outcomes_[chosen_[next->first]] = fail(failed->why);
            }
        }
        repeat_outcomes();
        co_return std::move(outcomes_);
    }

private:
    // Those that are written: the first of each id, if the id is one.
    void choose() {
        std::unordered_map<std::string_view, std::size_t> first;
        for (std::size_t i = 0; i < events_.size(); ++i) {
            if (auto valid = inbox_detail::validate(events_[i].mark); !valid) {
                outcomes_[i] = fail(std::move(valid.error()));
            } else if (events_[i].mark.group != events_[0].mark.group) {
                outcomes_[i] =
                    fail(errc::invalid_argument, {.message = "a batch holds events of one group only"});
            } else if (const auto [known, is_new] = first.try_emplace(events_[i].mark.id, i); is_new) {
                chosen_.push_back(i);
            } else {
                repeated_.emplace_back(i, known->second);
            }
        }
    }
    // One that repeats another in the batch has nothing to do once that one's effect is there, and shares its
    // failure.
    void repeat_outcomes() {
        for (const auto& [repeat, first] : repeated_)
            if (!outcomes_[first]) outcomes_[repeat] = outcomes_[first];
    }

    struct failure {
        error why;
        std::optional<std::size_t> unit; // as bisection counts
    };

    task<std::optional<failure>> write_range(bisection::range which) {
        store::transaction_state state;
        auto fresh = co_await mark(state, which);
        if (!fresh) {
            co_await store::roll_back(on_, state);
            co_return failure{std::move(fresh.error()), std::nullopt};
        }
        std::vector<unit_of_work*> units;
        std::vector<std::size_t> places;
        for (std::size_t i = which.first; i < which.last; ++i) {
            marked_unit& event = events_[chosen_[i]];
            if (!fresh->contains(event.mark.id)) continue;
            units.push_back(&event.unit);
            places.push_back(i);
        }
        auto written = co_await store::write_units(on_, state, units);
        if (!written) {
            std::optional<std::size_t> culprit;
            if (written.error().unit) culprit = places[*written.error().unit];
            co_return failure{std::move(written.error().why), culprit};
        }
        for (const std::size_t place : places)
            outcomes_[chosen_[place]] = processing::processed;
        co_return std::nullopt;
    }

    // Begins, and answers which ids are new.
    task<result<std::unordered_set<std::string>>> mark(store::transaction_state& state,
                                                       bisection::range which) {
        std::vector<const event_mark*> marks;
        for (std::size_t i = which.first; i < which.last; ++i)
            marks.push_back(&events_[chosen_[i]].mark);
        std::vector<store::statement> flight = inbox_detail::mark_all(marks, on_.dialect());
        flight.insert(flight.begin(), store::statement{.sql = std::string(on_.dialect().begin)});
        if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
        const store::flight_answer answered = co_await on_.run(flight);
        if (auto fine = state.answered(answered); !fine) co_return fail(std::move(fine.error()));
        std::unordered_set<std::string> fresh;
        for (const store::answer& each : answered.answers)
            for (const store::sql_value& id : each.cells)
                fresh.insert(std::get<std::string>(id.held));
        co_return std::move(fresh);
    }

    store::session& on_;
    std::vector<marked_unit> events_;
    outcomes outcomes_;
    std::vector<std::size_t> chosen_;
    std::vector<std::pair<std::size_t, std::size_t>> repeated_;
};

task<result<outcomes>> write_on_session(store::session& on,
                                        std::shared_ptr<std::vector<marked_unit>> events) {
    batch one(on, std::move(*events));
    co_return co_await one.write();
}

} // namespace

database_call<std::vector<result<processing>>> write_batch(database& db, std::vector<marked_unit> batch) {
    auto kept = std::make_shared<std::vector<marked_unit>>(std::move(batch));
    return db.with_session<outcomes>([kept](store::session& on) { return write_on_session(on, kept); });
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/write.hpp>

#include <algorithm>

namespace corvid::store {

namespace {

// The statements of all units in one list, and where each unit's own end.
struct flight_plan {
    std::vector<statement> statements;
    std::vector<std::size_t> ends;

    [[nodiscard]] std::optional<std::size_t> unit_of(std::size_t statement_index) const {
        const auto found = std::ranges::upper_bound(ends, statement_index);
        if (found == ends.end()) return std::nullopt;
        return static_cast<std::size_t>(found - ends.begin());
    }
};

flight_plan plan(std::span<unit_of_work* const> units, const dialect& speech, bool begins) {
    flight_plan made;
    if (begins) made.statements.push_back({.sql = std::string(speech.begin)});
    for (const unit_of_work* unit : units) {
        made.statements.insert(made.statements.end(), unit->unsent().begin(), unit->unsent().end());
        made.ends.push_back(made.statements.size());
    }
    run_before_commit(units, speech, made.statements);
    made.statements.push_back({.sql = std::string(commit_sql)});
    return made;
}

} // namespace

task<void> roll_back(session& on, transaction_state& state) {
    if (on.alive() && on.in_transaction()) {
        statement rollback{.sql = std::string(rollback_sql)};
        co_await on.run({&rollback, 1});
    }
    state.rolled_back();
}

task<std::expected<void, write_failure>> write_units(session& on, transaction_state& state,
                                                     std::span<unit_of_work* const> units) {
    const bool begins = state.where() == transaction_state::phase::idle;
    const flight_plan planned = plan(units, on.dialect(), begins);
    if (auto allowed = state.sending(begins, true); !allowed)
        co_return std::unexpected(write_failure{std::move(allowed.error())});
    flight_answer answered = co_await on.run(planned.statements);
    // PostgreSQL may end a session between a commit and the answer to it, and say so in its place
    if (ended_by_server(answered)) answered.unsure = true;
    auto outcome = state.answered(answered);
    if (outcome) {
        run_after_commit(units, on.lender());
        co_return std::expected<void, write_failure>{};
    }
    if (state.where() != transaction_state::phase::unknown) co_await roll_back(on, state);
    const bool own = !begins || !answered.answers.empty(); // `begin` itself is nobody's
    co_return std::unexpected(write_failure{std::move(outcome.error()),
                                            own ? planned.unit_of(answered.answers.size()) : std::nullopt});
}

task<result<void>> write_unit(session& on, std::shared_ptr<unit_of_work> unit) {
    transaction_state state;
    unit_of_work* const one = unit.get();
    auto written = co_await write_units(on, state, {&one, 1});
    if (!written) co_return fail(std::move(written.error().why));
    co_return result<void>{};
}

} // namespace corvid::store

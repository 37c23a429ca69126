// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/migrate.hpp>

#include <corvid/store/transaction_state.hpp>
#include <corvid/store/write.hpp>

#include <array>
#include <charconv>

namespace corvid::store {

namespace {

// Any number that no other program is likely to use: "corvid" and a 1.
constexpr std::int64_t migration_lock = 0x636f727669640001;

// PostgreSQL asks for the right to create before it looks whether there is anything to create.
std::string table_sql(database_kind kind) {
    const std::string table = "corvid_migrations(component text not null, number integer not null, name text "
                              "not null, checksum text not null, primary key (component, number))";
    return kind == database_kind::postgres
               ? "do $$begin if to_regclass('corvid_migrations') is null then create table " + table +
                     "; end if; end$$"
               : "create table if not exists " + table;
}

// FNV-1a: tells an edit, not an attack.
std::string checksum_of(std::string_view text) {
    std::uint64_t sum = 0xcbf29ce484222325U;
    for (const char c : text)
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    std::array<char, 16> hex{};
    return {hex.data(), std::to_chars(hex.data(), hex.data() + hex.size(), sum, 16).ptr};
}

error failed(std::string_view component, const migration& step, error cause) {
    return caused_by(errc::migration_failed,
                     {.message = std::string(component) + ", step " + std::to_string(step.number) + " (" +
                                 std::string(step.name) + ")",
                      .operation = "migrate"},
                     std::move(cause));
}

class migrator {
public:
    migrator(session& on, std::string component) : on_(on), component_(std::move(component)) {}

    /// True if the step was applied now, false if it was there.
    task<result<bool>> apply(const migration& step) {
        transaction_state state;
        auto outcome = co_await within(state, step);
        if (!outcome && state.where() != transaction_state::phase::unknown) co_await roll_back(on_, state);
        if (!outcome) co_return fail(failed(component_, step, std::move(outcome.error())));
        co_return outcome;
    }

private:
    task<result<bool>> within(transaction_state& state, const migration& step) {
        const std::string_view text =
            on_.dialect().kind == database_kind::postgres ? step.postgres : step.sqlite;
        auto known = co_await begin(state, step);
        if (!known) co_return fail(std::move(known.error()));
        if (known->row_count() > 0 && known->at(0, 0) != sql_value{checksum_of(text)} &&
            known->at(0, 0) != sql_value{std::string()}) // by a tool of the user's
            co_return fail(errc::migration_failed,
                           {.message = "its text is another than when it was applied",
                            .hint = "restore the text; a change of tables is a step of its own"});
        const bool is_new = known->row_count() == 0;
        unit_of_work note;
        if (is_new) {
            auto ran = co_await on_.script(std::string(text));
            if (!ran) co_return fail(std::move(ran.error()));
            note.execute(
                "insert into corvid_migrations(component, number, name, checksum) values ($1, $2, $3, $4)",
                component_, step.number, step.name, checksum_of(text));
        }
        unit_of_work* const one = &note;
        auto written = co_await write_units(on_, state, {&one, 1});
        if (!written) co_return fail(std::move(written.error().why));
        co_return is_new;
    }

    // Alone from here on, until the transaction ends. Two processes may not even create the table at once.
    task<result<answer>> begin(transaction_state& state, const migration& step) {
        std::vector<statement> flight{{.sql = std::string(on_.dialect().begin)}};
        if (on_.dialect().kind == database_kind::postgres)
            flight.push_back(make_statement("select pg_advisory_xact_lock($1)", migration_lock));
        if (on_.dialect().kind == database_kind::postgres) // a large table takes as long as it takes
            flight.push_back({.sql = "set local statement_timeout = 0"});
        flight.push_back({.sql = table_sql(on_.dialect().kind)});
        flight.push_back(
            make_statement("select checksum from corvid_migrations where component = $1 and number = $2",
                           component_, step.number));
        if (auto allowed = state.sending(true, false); !allowed) co_return fail(std::move(allowed.error()));
        flight_answer answered = co_await on_.run(flight);
        if (auto fine = state.answered(answered); !fine) co_return fail(std::move(fine.error()));
        co_return std::move(answered.answers.back());
    }

    session& on_;
    std::string component_;
};

task<result<int>> apply_all(session& on, std::string component, std::span<const migration> steps) {
    migrator each(on, std::move(component));
    int applied = 0;
    for (const migration& step : steps) {
        auto now = co_await each.apply(step);
        if (!now) co_return fail(std::move(now.error()));
        applied += *now ? 1 : 0;
    }
    co_return applied;
}

} // namespace

database_call<int> migrate(database& db, std::string_view component, std::span<const migration> steps) {
    return db.with_session<int>(
        [component = std::string(component), steps](session& on) { return apply_all(on, component, steps); });
}

} // namespace corvid::store

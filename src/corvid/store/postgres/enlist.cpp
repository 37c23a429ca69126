// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/enlist.hpp>

#include <corvid/store/postgres/detail/messages.hpp>

namespace corvid::store {

namespace {

using namespace postgres;

result<void> usable(PGconn* mine) {
    const char* why = !mine || PQstatus(mine) != CONNECTION_OK    ? "the connection is not open"
                      : PQisnonblocking(mine)                     ? "the connection is non-blocking"
                      : PQpipelineStatus(mine) != PQ_PIPELINE_OFF ? "the connection is in pipeline mode"
                      : PQtransactionStatus(mine) == PQTRANS_ACTIVE
                          ? "a command of the connection is under way"
                          : nullptr;
    if (why) return fail(errc::invalid_argument, {.message = why, .operation = "enlist a connection"});
    return {};
}

} // namespace

// The unnamed statement: nothing stays behind in a session that is not ours.
result<answer> run_on(pg_conn* mine, const statement& what) {
    if (auto fine = usable(mine); !fine) return fail(std::move(fine.error()));
    const result_ptr prepared(PQprepare(mine, "", what.sql.c_str(), 0, nullptr));
    if (is_error(prepared.get())) return fail(error_of(prepared.get(), "prepare"));
    const result_ptr described(PQdescribePrepared(mine, ""));
    if (is_error(described.get())) return fail(error_of(described.get(), "prepare"));
    const auto types = description_of(described.get());
    if (!types) return fail(types.error());
    parameter_list parameters;
    if (auto filled = parameters.fill(what, *types); !filled) return fail(std::move(filled.error()));
    const result_ptr ran(PQexecPrepared(mine, "", parameters.count(), parameters.values(),
                                        parameters.lengths(), parameters.formats(), 1));
    if (is_error(ran.get())) return fail(error_of(ran.get(), "execute"));
    return answer_of(ran.get());
}

result<void> write_on(pg_conn* mine, unit_of_work& unit) {
    if (auto fine = usable(mine); !fine) return fine;
    if (PQtransactionStatus(mine) != PQTRANS_INTRANS)
        return fail(errc::transaction_over, {.message = "no transaction is open on the enlisted connection",
                                             .hint = "begin one before, and commit it after",
                                             .operation = "enlist a connection"});
    std::vector<statement> all(unit.recorded().begin(), unit.recorded().end());
    unit_of_work* const one = &unit;
    run_before_commit({&one, 1}, postgres_dialect, all);
    for (const statement& each : all)
        if (auto ran = run_on(mine, each); !ran) return fail(std::move(ran.error()));
    return {};
}

} // namespace corvid::store

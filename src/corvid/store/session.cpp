// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/session.hpp>

namespace corvid::store {

bool ended_by_server(const flight_answer& answer) {
    return answer.lost && answer.failed && answer.failed->sqlstate().starts_with("57P");
}

task<result<answer>> run_one(session& on, statement what) {
    flight_answer flight = co_await on.run({&what, 1});
    if (flight.unsure || ended_by_server(flight))
        co_return fail(caused_by(
            errc::commit_unknown,
            {.message = "the connection was lost before the statement was answered", .operation = "execute"},
            *std::move(flight.failed)));
    if (flight.failed) co_return fail(*std::move(flight.failed));
    co_return std::move(flight.answers.front());
}

} // namespace corvid::store

// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sqlstate.hpp>

#include <algorithm>
#include <array>

namespace corvid::store {

namespace {

constexpr bool among(std::string_view wanted, auto list) noexcept {
    return std::ranges::find(list, wanted) != list.end();
}

constexpr std::array<std::string_view, 7> retriable{"08", "40", "53", "55", "57", "58", "XX"};
constexpr std::array<std::string_view, 9> rejected{"21", "22", "23", "27", "38", "39", "44", "54", "P0"};

errc code_of(std::string_view state) noexcept {
    const std::string_view group = state.substr(0, 2);
    if (state == "57014" || state == "25P03") return errc::statement_timed_out;
    if (group == "08" || (ends_session(state) && state != "25006")) return errc::database_unreachable;
    switch (kind_of_sqlstate(state)) {
    case error_kind::retriable:
        return errc::database_busy;
    case error_kind::rejected:
        return errc::statement_rejected;
    case error_kind::fatal:
        break;
    }
    return group == "28" || group == "3D" ? errc::database_refused : errc::statement_wrong;
}

std::string hint_for(std::string_view state) {
    if (state == "53300")
        return "raise max_connections of the server, or lower database.pool_size of the services";
    if (state == "53100") return "free space on the database's disk";
    if (state == "55P03") return "look for a transaction that holds the lock, or raise database.lock_timeout";
    if (state == "57014") return "make the statement quicker, or raise database.statement_deadline";
    if (state == "25P03")
        return "keep what waits out of the transaction, or raise database.transaction_idle_timeout";
    if (state == "25006")
        return "the server is a standby: check database.url, target_session_attrs=read-write finds the "
               "primary";
    return {};
}

} // namespace

error_kind kind_of_sqlstate(std::string_view sqlstate) noexcept {
    const std::string_view group = sqlstate.substr(0, 2);
    if (among(group, retriable) || sqlstate == "25006" || sqlstate == "25P03" || sqlstate == "26000")
        return error_kind::retriable;
    return among(group, rejected) ? error_kind::rejected : error_kind::fatal;
}

bool ends_session(std::string_view sqlstate) noexcept {
    return sqlstate.starts_with("08") || sqlstate.starts_with("57P0") || sqlstate == "25006" ||
           sqlstate == "25P03" || sqlstate == "53300";
}

error database_error(std::string_view sqlstate, std::string message, std::string operation) {
    return error(code_of(sqlstate), {.message = std::move(message),
                                     .hint = hint_for(sqlstate),
                                     .operation = std::move(operation),
                                     .kind = kind_of_sqlstate(sqlstate),
                                     .sqlstate = std::string(sqlstate)});
}

} // namespace corvid::store

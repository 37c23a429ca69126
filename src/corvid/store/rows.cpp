// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/rows.hpp>

namespace corvid::store {

namespace {

std::unexpected<error> wrong_columns(std::string message, std::string hint) {
    return fail(errc::wrong_column,
                {.message = std::move(message), .hint = std::move(hint), .operation = "read a row"});
}

} // namespace

// A single member without a name stands for whatever the one column is called.
result<void> match_columns(const answer& a, std::span<const std::string_view> members,
                           std::span<std::size_t> into) {
    if (a.columns.size() != members.size() && members.size() == 1 && members[0].empty())
        return wrong_columns(std::to_string(a.columns.size()) + " columns where one value is read",
                             "select one column, or read into a described struct");
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto found = members[i].empty() ? a.columns.begin() : std::ranges::find(a.columns, members[i]);
        if (found == a.columns.end())
            return wrong_columns("no column `" + std::string(members[i]) + "`",
                                 "name it in the select, with `as` where it is an expression");
        into[i] = static_cast<std::size_t>(found - a.columns.begin());
    }
    for (std::size_t c = 0; c < a.columns.size(); ++c)
        if (std::ranges::find(into, c) == into.end())
            return wrong_columns("no member for column `" + a.columns[c] + "`",
                                 "select only what is read, and each name once");
    return {};
}

error at_column(const error& why, const answer& a, std::size_t row, std::size_t column) {
    error_details details = why.details();
    details.message =
        "column `" + a.columns[column] + "`, row " + std::to_string(row) + ": " + details.message;
    return error(why.code(), std::move(details));
}

} // namespace corvid::store

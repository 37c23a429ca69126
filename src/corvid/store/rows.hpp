// SPDX-License-Identifier: Apache-2.0
//
// rows: the answer of a query as C++ values. A described struct takes the columns by their names, in any
// order: each member needs its column, columns without a member are refused (select what you read). Any other
// SqlReadable type takes the one column there is.
#pragma once

#include <corvid/store/statement.hpp>

#include <boost/describe/class.hpp>

#include <algorithm>
#include <array>

namespace corvid::store {

/// The column of each member of a struct in `a`; errc::wrong_column names the one that is missing or too
/// much.
[[nodiscard]] result<void> match_columns(const answer& a, std::span<const std::string_view> members,
                                         std::span<std::size_t> into);

/// Says where the value that could not be read stands.
[[nodiscard]] error at_column(const error& why, const answer& a, std::size_t row, std::size_t column);

namespace detail {

template <class T>
inline constexpr auto column_names = []<class... M>(boost::mp11::mp_list<M...>) {
    return std::array<std::string_view, sizeof...(M)>{M::name...};
}(boost::mp11::mp_rename<members_of<T>, boost::mp11::mp_list>{});

template <Described T>
[[nodiscard]] result<T> read_struct(const answer& a, std::size_t row, std::span<const std::size_t> columns) {
    T object{};
    std::optional<error> failed;
    std::size_t index = 0;
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
        if (failed) return;
        auto& place = object.*decltype(member)::pointer;
        const std::size_t column = columns[index++];
        auto value = sql_codec<std::remove_cvref_t<decltype(place)>>::from_sql(a.at(row, column));
        if (value)
            place = *std::move(value);
        else
            failed = at_column(value.error(), a, row, column);
    });
    if (failed) return fail(*std::move(failed));
    return object;
}

} // namespace detail

template <class T>
[[nodiscard]] result<std::vector<T>> read_rows(const answer& a) {
    std::vector<T> rows;
    rows.reserve(a.row_count());
    if constexpr (Described<T>) {
        std::array<std::size_t, detail::column_names<T>.size()> columns{};
        if (auto matched = match_columns(a, detail::column_names<T>, columns); !matched)
            return fail(std::move(matched.error()));
        for (std::size_t row = 0; row < a.row_count(); ++row) {
            result<T> one = detail::read_struct<T>(a, row, columns);
            if (!one) return fail(std::move(one.error()));
            rows.push_back(*std::move(one));
        }
    } else {
        static_assert(SqlReadable<T>, "corvid: rows are read into a described struct or one SQL value");
        constexpr std::array<std::string_view, 1> only{""};
        std::array<std::size_t, 1> column{};
        if (auto matched = match_columns(a, only, column); !matched) return fail(std::move(matched.error()));
        for (std::size_t row = 0; row < a.row_count(); ++row) {
            result<T> one = sql_codec<T>::from_sql(a.at(row, 0));
            if (!one) return fail(at_column(one.error(), a, row, 0));
            rows.push_back(*std::move(one));
        }
    }
    return rows;
}

} // namespace corvid::store

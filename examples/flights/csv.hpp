// SPDX-License-Identifier: Apache-2.0
//
// csv_file: the rows of a file of the demo. Strict: the columns are those that were asked for, each row has
// as many fields, nothing is quoted. NA and an empty field mean that there is no value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flights {

class csv_file {
public:
    /// Reads the whole file. Throws std::runtime_error, as every function here: with file, line and column.
    csv_file(const std::filesystem::path& file, std::vector<std::string_view> columns);

    /// Goes to the next row; false behind the last.
    [[nodiscard]] bool next();
    /// Of the present row, from 1.
    [[nodiscard]] std::int64_t row() const noexcept { return row_; }
    /// How many there are.
    [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }

    /// Fields of the present row, by the place of their column; views live as long as this object.
    [[nodiscard]] std::string_view text(std::size_t column) const;
    [[nodiscard]] int number(std::size_t column) const;
    [[nodiscard]] std::optional<std::string_view> maybe_text(std::size_t column) const;
    [[nodiscard]] std::optional<int> maybe_number(std::size_t column) const;

    [[noreturn]] void refuse(std::size_t column, std::string_view why) const;

private:
    void split(std::string_view line);
    [[noreturn]] void refuse_row(const std::string& why) const;

    std::string name_, content_;
    std::vector<std::string_view> columns_, fields_;
    std::size_t position_ = 0;
    std::int64_t row_ = -1, rows_ = 0;
};

} // namespace flights

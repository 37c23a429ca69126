// SPDX-License-Identifier: Apache-2.0
//
// board: how punctual each airline was, in a database: table flight_punctuality, a row for each carrier of
// each run. What cannot be read or made throws std::runtime_error.
#pragma once

#include "tally.hpp"
#include <corvid/store/database.hpp>

#include <filesystem>
#include <string>

namespace flights {

/// A file of its own for SQLite, gone with this object.
class scratch_file {
public:
    scratch_file();
    ~scratch_file();
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;

    [[nodiscard]] std::string url() const { return "sqlite:" + (folder_ / "flights.db").string(); }

private:
    std::filesystem::path folder_;
};

class board {
public:
    /// Connects to nothing yet. Throws corvid::config_error.
    board(corvid::scheduler& root, const std::string& url, corvid::metrics* figures = nullptr);

    /// Where it is not there.
    void make();
    [[nodiscard]] tally counted(const std::string& run);
    /// How many flights that are; none: the database does not answer now.
    [[nodiscard]] std::optional<std::int64_t> flights(const std::string& run);

    /// Records that `more` was counted.
    static void add(corvid::unit_of_work& into, const std::string& run, const tally& more);

    [[nodiscard]] corvid::database& where() noexcept { return database_; }

private:
    corvid::scheduler& root_;
    corvid::database database_;
};

} // namespace flights

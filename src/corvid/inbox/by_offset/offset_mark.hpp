// SPDX-License-Identifier: Apache-2.0
//
// offset_mark: the mark by offset: one row a partition that says up to where its effects are in the database.
// It moves in the transaction of the effects, only from where the writer believes it to be, so a partition's
// effects are applied once, in order of offset, whoever else writes. It guards against redelivery, not
// against producers that send an event twice; the table does not grow.
#pragma once

#include <corvid/store/database.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace corvid {

struct partition_mark {
    std::string group = {};
    std::string topic = {};
    std::int32_t partition = 0;
};

/// Where the partition's effects end; none: nothing was ever written.
[[nodiscard]] database_call<std::optional<std::int64_t>> read_position(database& db,
                                                                       const partition_mark& of);

/// Whether reading can go on there: errc::offset_outside_log, naming the remedy, where the row lies beyond
/// the log's end or below its start. Never moves it: effects would be lost or repeated without a word.
[[nodiscard]] result<void> check_position(const partition_mark& of, std::int64_t position,
                                          std::int64_t log_start, std::int64_t log_end);

/// Puts the row where reading shall go on, for operators and for the reset of a group; nullopt removes it, so
/// that the group's committed offset counts. Owners that are writing lose their place and read it again.
[[nodiscard]] database_call<std::int64_t> reset_position(database& db, const partition_mark& of,
                                                         std::optional<std::int64_t> position);

namespace inbox_detail {

/// Records the statements that move the row from `first` to `last`, or make it; to be written before all
/// others of its transaction. They are refused where the row is elsewhere.
void record_move(unit_of_work& into, const store::dialect& speech, const partition_mark& of, bool row_known,
                 std::int64_t first, std::int64_t last);

/// What their refusal means: offset_moved where the row was elsewhere, else what it was.
[[nodiscard]] error told_of_move(const partition_mark& of, std::int64_t first, const error& why);

} // namespace inbox_detail
} // namespace corvid

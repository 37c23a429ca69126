// SPDX-License-Identifier: Apache-2.0
//
// group_inbox: what the subscriptions of one group that have one mark share of one database: the tables,
// their clean-up, and the writer, which tells each effect's fate to the tally of its record.
#pragma once

#include <corvid/inbox/by_offset/offset_writer.hpp>
#include <corvid/inbox/effect_writer.hpp>
#include <corvid/inbox/exactly_once/settings.hpp>
#include <corvid/inbox/inbox.hpp>
#include <corvid/inbox/write_trouble.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace corvid {

class group_inbox {
public:
    /// Throws config_error for settings that cannot work. Touches no database.
    group_inbox(std::string group, const exactly_once_settings& how);

    /// Makes the tables and begins to work. Throws config_error. On a thread that is no loop.
    void open(metrics* figures, const logger& log);
    /// When all that was handed in is settled or given up. Idempotent; on a thread that is no loop.
    void close();

    [[nodiscard]] const std::string& group() const noexcept { return group_; }
    [[nodiscard]] const database& into() const noexcept { return *how_.into; }
    [[nodiscard]] effect_mark by() const noexcept { return how_.by; }

    /// What keeps effects from the database (inbox/write_trouble.hpp). After open(); any thread.
    [[nodiscard]] std::string trouble() const { return trouble_->text(); }

    // Between open() and close(), the one that by() names:
    [[nodiscard]] effect_writer& writer() noexcept { return *writer_; }
    [[nodiscard]] offset_writer& by_offset() noexcept { return *by_offset_; }

    /// For an assignment of the writer by offset; `lost` is told when it is. Any thread.
    [[nodiscard]] std::uint64_t new_ticket(std::function<void(const error&)> lost);
    void end_ticket(std::uint64_t ticket);

private:
    void told(offset_writer::news what);

    const std::string group_;
    const exactly_once_settings how_;
    std::optional<write_trouble> trouble_;
    std::optional<inbox> marks_;
    std::optional<effect_writer> writer_;
    std::optional<offset_writer> by_offset_;
    std::mutex mutex_;
    std::uint64_t tickets_ = 0;
    std::unordered_map<std::uint64_t, std::function<void(const error&)>> when_lost_;
};

} // namespace corvid

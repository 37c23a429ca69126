// SPDX-License-Identifier: Apache-2.0
//
// group_inbox: what the subscriptions of one group share of one database: the tables, their clean-up, and the
// writer, which tells each effect's fate to the tally of its record.
#pragma once

#include <corvid/inbox/effect_writer.hpp>
#include <corvid/inbox/exactly_once/settings.hpp>
#include <corvid/inbox/inbox.hpp>

#include <optional>
#include <string>

namespace corvid {

class group_inbox {
public:
    /// Throws config_error for settings that cannot work. Touches no database.
    group_inbox(std::string group, const exactly_once_settings& how);

    /// Makes the tables and begins to work. Throws config_error. On a thread that is no loop.
    void open(metrics* figures);
    /// When all that was handed in is settled or given up. Idempotent; on a thread that is no loop.
    void close();

    [[nodiscard]] const std::string& group() const noexcept { return group_; }
    [[nodiscard]] const database& into() const noexcept { return *how_.into; }
    /// Between open() and close().
    [[nodiscard]] effect_writer& writer() noexcept { return *writer_; }

private:
    const std::string group_;
    const exactly_once_settings how_;
    std::optional<inbox> marks_;
    std::optional<effect_writer> writer_;
};

} // namespace corvid

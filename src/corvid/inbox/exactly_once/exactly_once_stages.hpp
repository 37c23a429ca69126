// SPDX-License-Identifier: Apache-2.0
//
// exactly_once_stages: those of a service, one for each subscription that says exactly_once, over one
// group_inbox for each group and database.
#pragma once

#include <corvid/inbox/exactly_once/group_inbox.hpp>
#include <corvid/inbox/exactly_once/inbox_stage.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace corvid {

class exactly_once_stages {
public:
    /// What a subscription says and what its handlers take.
    struct wish {
        const std::string& subscription;
        const std::string& group;
        const std::optional<exactly_once_settings>& how;
        std::uint32_t parts = 0;  ///< handlers for each record; 0: one
        bool takes_units = false; ///< at least one does
        corvid::order order = by_key;
        bool retries = false; ///< in this process
        bool has_retry_topics = false;
        bool parks_keys = false;
        bool in_batches = false;
    };
    /// Null where neither is asked for. Throws config_error, naming both, where one is without the other.
    [[nodiscard]] std::shared_ptr<inbox_stage> add(const wish& of);

    /// Throws config_error; what was opened is closed then. On a thread that is no loop.
    void open(metrics* figures, const logger& log);
    /// One for each group and database, from the first add() to the end of this object.
    [[nodiscard]] std::span<const std::unique_ptr<group_inbox>> inboxes() const noexcept { return inboxes_; }
    /// What works otherwise than its settings sound, for the log.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
    /// What may happen more than once although effects do not (may_duplicate), for the log.
    [[nodiscard]] const std::vector<std::string>& declared() const noexcept { return declared_; }
    /// All groups have ended.
    void close();

private:
    static void refuse_by_offset(const wish& of);
    [[nodiscard]] group_inbox& inbox_of(const std::string& group, const exactly_once_settings& how);
    std::vector<std::unique_ptr<group_inbox>> inboxes_;
    std::vector<std::string> warnings_, declared_;
    std::uint64_t count_ = 0;
};

} // namespace corvid

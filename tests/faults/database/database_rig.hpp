// SPDX-License-Identifier: Apache-2.0
//
// database_rig: a rig whose workers have their effects in a PostgreSQL.
#pragma once

#include "../postgres_process.hpp"
#include "../rig.hpp"
#include "effect_check.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corvid::faults {

struct effects_settings {
    std::string mark = "event_id"; ///< or "offset"
    bool batches = false;
    bool publishes = false;  ///< each effect has an event, which goes back to the broker
    std::string bug = {};    ///< what is wrong with the workers; empty: nothing
    bool own_server = false; ///< a database to break; else it may be the shared one (CORVID_TEST_POSTGRES)
    bool proxied = false;    ///< the workers come to the database through way(); means own_server
    std::vector<std::string> server = {}; ///< options of scripts/postgres start
};

/// In the long form all of these, in the short one the first.
[[nodiscard]] inline std::vector<effects_settings> forms(std::vector<effects_settings> all) {
    all.resize(sized(all.size(), std::size_t{1}));
    return all;
}
/// "R3, by event_id in batches": the line of JSON is called so.
[[nodiscard]] inline std::string name_of(const std::string& test, const effects_settings& how) {
    return test + ", by " + how.mark + (how.batches ? " in batches" : "") +
           (how.bug.empty() ? "" : ", bug " + how.bug);
}

class database_rig {
public:
    database_rig(const std::string& test, effects_settings database, rig_settings settings);
    ~database_rig();
    database_rig(const database_rig&) = delete;
    database_rig& operator=(const database_rig&) = delete;

    [[nodiscard]] rig& stand() noexcept { return *stand_; }
    [[nodiscard]] postgres_process& server() { return server_.value(); }
    /// toxiproxy before the database, its node 1.
    [[nodiscard]] network& way() { return way_.value(); }
    /// A fresh session with the tables in sight, past way().
    [[nodiscard]] raw_connection connect() const { return connect_raw(url_); }
    [[nodiscard]] std::uint64_t effects() const;
    /// Waits until every partition has effects that it has not now. Of a database that is there.
    [[nodiscard]] bool effects_everywhere(std::chrono::milliseconds patience);
    /// Waits until the events that are there now have left.
    [[nodiscard]] bool events_left(std::chrono::milliseconds patience);

    /// What is in the table and in the topic of events against what the senders were told, and the rig's own
    /// findings, which must be green where nothing is wrong with the workers.
    [[nodiscard]] effect_findings conclude(const std::vector<const sender*>& senders,
                                           const allowance& excused = {});
    /// Fails the test where one of conclude()'s findings is not as it must be.
    effect_findings expect_green(const std::vector<const sender*>& senders, const allowance& excused = {});

private:
    [[nodiscard]] std::vector<written> table() const;
    [[nodiscard]] std::vector<written> events() const;
    [[nodiscard]] bool is_by_offset() const noexcept { return database_.mark == "offset"; }

    effects_settings database_;
    std::optional<postgres_process> server_;
    std::string schema_, url_;
    std::optional<network> way_;
    std::unique_ptr<rig> stand_;
};

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// cheating_cluster: a cluster whose group members cheat as they are told: there to show that the checkers of
// the fault tests find it.
#pragma once

#include <corvid/broker/cluster.hpp>

#include <map>
#include <memory>

namespace corvid::faults {

struct cheats {
    bool from_beginning = false;   ///< every partition starts at its first record
    bool no_last_commit = false;   ///< what is committed while the group is left is not sent
    bool keeps_positions = false;  ///< once it has lost or left, goes on committing the positions of before
    bool tells_no_trouble = false; ///< that no broker answers is kept silent
    bool drops = false;            ///< one batch in five is thrown away
    bool stays_away = false;       ///< takes nothing any more once no broker was there
};

class cheating_cluster final : public broker::cluster {
public:
    /// They outlive a member: the watchdog of a slow handler makes it leave, and joins anew.
    struct positions_kept {
        std::map<topic_partition, offset> latest, before; ///< committed; and before the last loss or leave
    };

    cheating_cluster(broker::cluster& of, cheats how) : of_(of), how_(how) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override;
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& delivery,
                                                   broker::sink_listener& listener) override {
        return of_.open_sink(settings, delivery, listener);
    }
    std::unique_ptr<broker::admin> open_admin() override { return of_.open_admin(); }

private:
    broker::cluster& of_;
    cheats how_;
    std::shared_ptr<positions_kept> kept_ = std::make_shared<positions_kept>();
};

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// relay_group: the relays of one service, which begin and end with it. Internal.
#pragma once

#include <corvid/outbox/relay.hpp>

#include <memory>
#include <vector>

namespace corvid::outbox_detail {

class relay_group {
public:
    /// Throws config_error for settings that cannot work, and where `started`.
    void add(database& from, relay_settings settings, bool started);
    /// Makes the tables and begins. Throws config_error. On a thread that is no loop.
    void open(publisher& out, metrics& figures, const logger& log);
    void close();

private:
    struct wish {
        database* from;
        relay_settings settings;
    };
    std::vector<wish> wishes_;
    std::vector<std::unique_ptr<outbox>> boxes_;
    std::vector<std::unique_ptr<relay>> relays_;
};

} // namespace corvid::outbox_detail

// SPDX-License-Identifier: Apache-2.0
//
// write_trouble: what keeps the effects of a group from the database, for who looks at the service: a line in
// the log when it has lasted for a second and one when it is over, and a sentence for /ready.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/observe/log.hpp>

#include <mutex>
#include <optional>
#include <string>

namespace corvid {

class write_trouble {
public:
    /// A deadlock or a restart of a session is over by then.
    static constexpr duration patience = std::chrono::seconds(1);

    write_trouble(logger log, std::string group, std::string database)
        : log_(std::move(log)), group_(std::move(group)), database_(std::move(database)) {}

    /// How a transaction ended; none: it was written. An error that is a record's own says nothing.
    void told(const std::optional<error>& failure, steady_time now);

    /// The cause and what follows from it; empty while all is well. Any thread.
    [[nodiscard]] std::string text() const;

private:
    void lasts(const error& why, steady_time now);
    void ends(steady_time now);

    const logger log_;
    const std::string group_, database_;
    mutable std::mutex mutex_;
    std::optional<steady_time> since_;
    std::string told_;
};

} // namespace corvid

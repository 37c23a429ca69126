// SPDX-License-Identifier: Apache-2.0
//
// relay: sends what was published to an outbox: in a service (`service.relay(database)`), or in a process of
// its own:
//
//   corvid::database database{out.…, {.url = …}};   corvid::outbox outbox{database};
//   corvid::relay relay{outbox, out.bytes()};       // until it is destroyed
//
// What is promised: every committed event is sent at least once, always with the same idempotency_key, those
// of an aggregate in the order in which their transactions were committed; what was rolled back never is. Its
// position is saved with what the broker has acknowledged: what a relay that dies had sent since (at most
// `in_flight` rows and those of one save) is sent again by the next.
//
// Commits wake it: those of its own `database` at once, those of other processes by NOTIFY (PostgreSQL),
// which it hears over a session beside the pool. `poll` is for what neither says: a NOTIFY that is lost, a
// commit on an enlisted handle. On PostgreSQL it has two more sessions of its own, to look and to save, so
// that writers who use up the pool do not hold it up.
//
// Several relays, in any processes, share the work: an aggregate belongs to one of eight shards (one on
// SQLite), which are spread evenly and taken over `lease` after their relay has died, at once when it is
// closed. A relay that was only thought dead may send what its successor sends, too: in the same order.
//
// Rows that no broker takes (too large, no such topic, no access) are put into outbox_parked with the reason,
// and those behind them go on, or are held behind them: `when_parked`. All other failures are tried again for
// ever, the aggregate's later rows behind them. While the database or the broker is away nothing is lost and
// nothing is asked in a hot loop.
#pragma once

#include <corvid/observe/metrics.hpp>
#include <corvid/outbox/outbox.hpp>
#include <corvid/produce/publisher.hpp>

#include <memory>
#include <string>

namespace corvid {

/// What becomes of the later events of an aggregate of which one is parked: they go on without it, or are
/// parked behind it, until it is released or discarded (outbox/outbox.hpp), and then sent in order.
enum class when_parked : std::uint8_t { go_on, hold };

struct relay_settings {
    std::string name = {};              ///< among the relays of the outbox; empty: a fresh UUID
    std::size_t in_flight = 5'000;      ///< rows on their way at once, 1 … 20,000
    std::size_t max_bytes = 16U << 20U; ///< about so many are read ahead
    /// Rows of one aggregate on their way at once. Above 1 a hot aggregate is quicker, and a row that failed
    /// may come behind rows that were sent after it.
    std::size_t per_aggregate = 1;
    corvid::when_parked when_parked = corvid::when_parked::go_on;
    std::chrono::milliseconds poll{50};     ///< how soon what nobody tells of is seen
    std::chrono::milliseconds lease{6'000}; ///< after which another relay takes over, at least 1 s
    exponential pause = {.first = std::chrono::milliseconds{100}, .cap = std::chrono::seconds{5}};
    /// How long what was sent is kept at least. PostgreSQL: an hour's rows go together, when all of them may.
    std::chrono::seconds retention = std::chrono::hours{1};
    std::chrono::seconds shed_every{60};
    bool mark_rows = false; ///< writes published_at of each row: costs an update, and a dead row, each
};

/// errc::invalid_setting, naming the field.
[[nodiscard]] result<void> validate(const relay_settings& settings);

class relay {
public:
    /// Begins to work. Throws config_error for settings that cannot work. The outbox's tables are there; its
    /// database, `out` and `figures` outlive the relay.
    relay(outbox& of, publisher& out, relay_settings settings = {}, metrics* figures = nullptr,
          logger log = default_logger());
    /// As close(), on a thread that is no loop.
    ~relay();
    relay(const relay&) = delete;
    relay& operator=(const relay&) = delete;

    /// Waits for what is on its way, saves, and gives its shards back. Idempotent. Before the publisher's.
    void close();
    /// As if the process had died now: nothing is saved or given back. For tests.
    void abandon();

    [[nodiscard]] const std::string& name() const noexcept;

private:
    class impl;
    std::shared_ptr<impl> impl_;
};

} // namespace corvid

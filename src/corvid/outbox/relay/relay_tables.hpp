// SPDX-License-Identifier: Apache-2.0
//
// relay_tables: what a relay asks of the database, one flight a call. On the database's loop; one read() at a
// time and, beside it, one of the others.
// Numbers are positions within a shard: seq / 8 on PostgreSQL, seq on SQLite.
#pragma once

#include <corvid/outbox/relay/kept_session.hpp>
#include <corvid/outbox/relay/relay_position.hpp>
#include <corvid/outbox/relay/row_lanes.hpp>
#include <corvid/outbox/relay/shard_share.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corvid::outbox_detail {

struct share_view {
    std::vector<shard_claim> shards;
    std::vector<std::string> relays; ///< that live, in order
};
struct taken_shard {
    std::int32_t shard = 0;
    std::int64_t epoch = 0, reached = 0;
    std::vector<number_range> missing = {};
};
struct read_wish {
    std::int32_t shard;
    std::int64_t epoch; ///< the wisher's own note
    std::int64_t above; ///< this number and all after it
    std::vector<number_range> gaps;
};
struct read_answer {
    std::uint64_t xmin = 0; ///< of a snapshot that is not younger than the one of the rows
    std::vector<std::unique_ptr<relay_row>> rows; ///< shard by shard as wished, each one's lowest in order
};
struct save_wish {
    std::int32_t shard;
    std::int64_t epoch, reached, frontier;
    std::vector<number_range> missing;
};
struct parking {
    std::int32_t shard;
    std::int64_t epoch, number;
    std::string reason;
    bool held = false;
    std::uint64_t lane = 0;
};
using shard_lane = std::pair<std::int32_t, std::uint64_t>;
/// What becomes of parked rows, beside what is parked anew. By seq.
struct parked_changes {
    std::vector<parking> parked = {};
    std::vector<std::int64_t> sent = {};                            ///< they go
    std::vector<std::pair<std::int64_t, std::string>> refused = {}; ///< again, and why
    std::vector<std::int64_t> left = {}; ///< not sent after all: no more is known of them
    [[nodiscard]] bool empty() const noexcept {
        return parked.empty() && sent.empty() && refused.empty() && left.empty();
    }
    /// Those of `earlier` come first.
    void put_back(parked_changes&& earlier);
};
struct parked_view {
    std::vector<std::unique_ptr<relay_row>> released = {};
    std::vector<shard_lane> lanes = {}; ///< of all that is parked
};
struct save_answer {
    std::vector<std::int32_t> shards; ///< that were saved: the others are lost
    std::uint64_t xid = 0;            ///< of the transaction that did it
};
struct pending_view {
    std::int64_t count = 0;
    std::optional<wall_time> oldest = {};
};

class relay_tables {
public:
    explicit relay_tables(database& db);

    /// Says that `name` lives on, and looks at the shares.
    [[nodiscard]] task<result<share_view>> look(const std::string& name, std::chrono::milliseconds lease);
    [[nodiscard]] task<result<std::vector<taken_shard>>> take(const std::string& name,
                                                              std::chrono::milliseconds lease,
                                                              const std::vector<std::int32_t>& shards);
    [[nodiscard]] task<result<void>> give(std::int32_t shard, std::int64_t epoch);
    [[nodiscard]] task<result<void>> leave(const std::string& name);

    /// At most `limit` rows a shard.
    [[nodiscard]] task<result<read_answer>> read(const std::vector<read_wish>& wishes, std::int64_t limit);
    /// Positions and what is parked, in one transaction; `published`: rows to be marked.
    [[nodiscard]] task<result<save_answer>> save(const std::vector<save_wish>& wishes,
                                                 std::chrono::milliseconds lease,
                                                 const parked_changes& parked,
                                                 const std::vector<std::int64_t>& published);
    /// What is parked in these shards; of what is released at most `limit`, the lowest.
    [[nodiscard]] task<result<parked_view>> parked(const std::vector<std::int32_t>& shards,
                                                   std::int64_t limit);
    /// Removes what has been dealt with and is older than `retention`; true: there may be more.
    [[nodiscard]] task<result<bool>> shed(std::chrono::seconds retention);
    /// Rows that no relay has looked at, in these shards; at most 100,000 a shard are counted.
    [[nodiscard]] task<result<pending_view>> pending(const std::vector<std::int32_t>& shards);

    /// Nothing is asked any more.
    void end() noexcept {
        reader_.end();
        writer_.end();
    }

    [[nodiscard]] std::int64_t seq_of(std::int32_t shard, std::int64_t number) const noexcept {
        return number * stride_ + (stride_ == 1 ? 0 : shard);
    }
    [[nodiscard]] std::int32_t shard_of(std::int64_t seq) const noexcept {
        return stride_ == 1 ? 0 : static_cast<std::int32_t>(seq % stride_);
    }
    [[nodiscard]] bool is_sqlite() const noexcept { return stride_ == 1; }

private:
    using flight = std::vector<store::statement>;
    [[nodiscard]] std::string spoken(std::string sql) const;
    void append_parked(const parked_changes& of, flight& to) const;
    [[nodiscard]] store::statement read_sql(const std::vector<read_wish>& wishes, std::int64_t limit) const;
    [[nodiscard]] task<result<bool>> shed_part(int part, std::chrono::seconds retention);

    kept_session reader_, writer_;
    std::int64_t stride_;
};

} // namespace corvid::outbox_detail

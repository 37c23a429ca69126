// SPDX-License-Identifier: Apache-2.0
//
// row_lanes: which rows may be sent now, so that those of an aggregate keep their order while those of many
// are on their way. Pure: rows and answers come in. Owns the rows from their sighting until they are done
// with.
//
// A row whose sending failed for a reason that may pass is sent again after a pause; those behind it of its
// aggregate wait, however often. With `per_aggregate` above 1 rows that were on their way behind it may
// arrive before it.
#pragma once

#include <corvid/base/backoff.hpp>
#include <corvid/base/scheduler.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace corvid::outbox_detail {

struct relay_row {
    std::int32_t shard = 0;
    std::int64_t number = 0; ///< its position in the shard
    std::uint64_t lane = 0;  ///< of its aggregate; 0: of none, it has no order
    std::string id = {}, topic = {};
    std::optional<std::string> key = {}, payload = {};
    std::string headers = {}; ///< as they stand in the table
    wall_time created_at = {};
    int failures = 0;
    bool from_parked = false; ///< it was parked, and is released

    [[nodiscard]] std::size_t bytes() const noexcept {
        return id.size() + topic.size() + (key ? key->size() : 0) + (payload ? payload->size() : 0) +
               headers.size() + 128;
    }
};

class row_lanes {
public:
    struct limits {
        std::size_t rows = 10'000; ///< on their way at once
        std::size_t per_aggregate = 1;
        exponential pause = {};
    };
    explicit row_lanes(const limits& to) : limits_(to) {}

    void add(std::unique_ptr<relay_row> row);
    /// The next row to be sent, and the token that its answer comes with; it stays here. None: nothing may go
    /// now.
    struct ready {
        std::uint64_t token;
        const relay_row* row;
    };
    [[nodiscard]] std::optional<ready> next(steady_time now);
    /// Sent, or put aside: the row, for the last time; null for a token of a shard that was forgotten.
    [[nodiscard]] std::unique_ptr<relay_row> finished(std::uint64_t token);
    /// Not sent, and to be sent again.
    void failed(std::uint64_t token, steady_time now, double random01);
    /// Of a token that is on its way; null as finished().
    [[nodiscard]] const relay_row* find(std::uint64_t token) const;
    /// The rows of a lane that are not on their way go, and are handed over in order.
    [[nodiscard]] std::vector<std::unique_ptr<relay_row>> take_waiting(std::uint64_t lane);
    /// All rows of a shard go; answers for them mean nothing.
    void forget(std::int32_t shard);

    /// When next() may have something although nothing else happens.
    [[nodiscard]] std::optional<steady_time> due() const;
    [[nodiscard]] std::size_t size() const noexcept { return rows_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t flying() const noexcept { return flying_.size(); }
    [[nodiscard]] std::optional<wall_time> oldest() const;

private:
    struct entry {
        std::unique_ptr<relay_row> row;
        std::uint64_t token = 0; // 0: it waits
    };
    struct lane {
        std::deque<entry> rows;
        std::size_t flying = 0;
        bool troubled = false; // one failed: nothing new until all that fly are answered
        bool queued = false;   // in ready_, or in resting_
        steady_time rests_until{};
    };
    void make_ready(std::uint64_t key, lane& of);
    void unready(std::uint64_t key, lane& of);
    [[nodiscard]] bool may_send(const lane& of) const noexcept;

    limits limits_;
    std::unordered_map<std::uint64_t, lane> lanes_;
    std::deque<std::uint64_t> ready_;
    std::set<std::pair<steady_time, std::uint64_t>> resting_;
    std::unordered_map<std::uint64_t, std::uint64_t> flying_; // token -> lane
    std::uint64_t next_token_ = 0, unordered_ = 0;
    std::size_t rows_ = 0, bytes_ = 0;
};

} // namespace corvid::outbox_detail

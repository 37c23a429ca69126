// SPDX-License-Identifier: Apache-2.0
//
// relay_position: which rows of one shard have been dealt with. Rows become visible in the order of their
// commits, not of their numbers: below the highest number that was seen others may still appear. The position
// knows them as gaps. Pure; numbers count up by one within a shard.
//
//   frontier()        reached()
//   ▼                 ▼
//   ○●●·●○●●●·●●●●●●○ · · ·     ● dealt with   ○ seen, not yet dealt with   · a gap: not seen
//
// A gap is dead, no row will ever be there, when every transaction that can have drawn its number has ended
// and a look that began after that does not find it. The numbers of a gap were drawn before the row above it
// was committed, by transactions that had their xids by then; an xid that was drawn after the sighting is
// therefore above all of theirs (bound()), and they have ended when the xmin of a later snapshot has come up
// to it (settle()). The xmax of the sighting is no such bound: docs/decisions/0016.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace corvid::outbox_detail {

/// [from, to)
struct number_range {
    std::int64_t from = 0, to = 0;
    friend bool operator==(const number_range&, const number_range&) = default;
};

class relay_position {
public:
    /// Nothing is done but what lies below `reached` and in none of these ranges, which are in order.
    relay_position(std::int64_t reached, const std::vector<number_range>& missing);

    /// A row of this number is visible: true if it is to be dealt with now, and done() must come of it. Call
    /// in the order of the numbers that a look found.
    [[nodiscard]] bool saw(std::int64_t number);
    /// All rows below `end` that the look could find have been told by saw(). `xmin`: of a snapshot not
    /// younger than the one that was looked in.
    void settle(std::uint64_t xmin, std::int64_t end);
    /// What is missing now is about to be saved, by a transaction that has not begun yet.
    void begin_save();
    /// `xid` is that transaction's: drawn after every look before the last begin_save().
    void bound(std::uint64_t xid);
    void done(std::int64_t number) { flying_.erase(number); }

    /// A gap has no bound yet: draw an xid.
    [[nodiscard]] bool wants_bound() const noexcept { return unbound_; }
    /// Where rows may appear, below reached().
    [[nodiscard]] std::vector<number_range> gaps() const;
    [[nodiscard]] bool has_gaps() const noexcept { return !gaps_.empty(); }

    /// Above all numbers that were seen.
    [[nodiscard]] std::int64_t reached() const noexcept { return reached_; }
    /// Below it all is dealt with.
    [[nodiscard]] std::int64_t frontier() const noexcept;
    /// What is to be saved beside reached(): gaps, and what was seen and is not done.
    [[nodiscard]] std::vector<number_range> missing() const;
    [[nodiscard]] std::size_t in_flight() const noexcept { return flying_.size(); }

private:
    struct gap {
        std::int64_t to;
        std::optional<std::uint64_t> bound;
        bool asked = false; ///< it was there at the last begin_save()
    };
    std::int64_t reached_;
    std::map<std::int64_t, gap> gaps_; // by their begin
    std::set<std::int64_t> flying_;
    bool unbound_ = false;
};

} // namespace corvid::outbox_detail

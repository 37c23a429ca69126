// SPDX-License-Identifier: Apache-2.0
//
// crash_guard: finds the record that kills the process, without a write a record. One for each partition and
// assignment; it decides, the loop of the group takes, commits and runs. Pure: time comes in.
//
// What one life tells the next stands in the metadata of the offset that it commits (life_note):
//
//   asking ─found()─▶ unplaced ─took()─▶ announcing ─committed()─▶ free       one start, or nothing to fear
//              └────── committed before ───▲   │ └────────────────▶ windowed   two starts: commits follow
//              each
//                                              │                     ▲         other, few records between
//                                              └▶ careful ───────────┘
//                                       took() │ ▲ the record is done: the next
//                                              ▼ │
//                             naming ─committed()─▶ alone          it runs, and nothing else of the partition
//                             condemned: the record that the last life died with goes elsewhere, unrun
//
// Every assignment begins with a commit of its own position that says `starts=N`, N one more than it found.
// A commit that moves the frontier says 0, so does a clean revoke or stop. N at `suspect_after` or more: the
// records behind the frontier run one at a time, each after a commit that names it. Who is named in what is
// found at the next start is condemned.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/model/position.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace corvid {

/// `corvid1;starts=3;suspect=17`: how often a member began at this offset, and the record that ran alone.
struct life_note {
    int starts = 0;
    std::optional<offset> suspect = {};
    [[nodiscard]] std::string text() const;
    /// Anything else than such a text reads as a first life.
    [[nodiscard]] static life_note read(std::string_view text) noexcept;
    friend bool operator==(const life_note&, const life_note&) = default;
};

struct crash_settings {
    /// From so many starts without progress on, records run one at a time until the one that kills the
    /// process is found; at least 2. 0: nothing is counted.
    int suspect_after = 3;
    /// So long after an unclean start, few records are between what is committed and what is begun.
    duration probation = std::chrono::seconds(30);

    /// errc::invalid_setting, naming the member.
    [[nodiscard]] result<void> validate() const;
};

class crash_guard {
public:
    /// Offsets that a windowed partition may have begun beyond what is committed; and how many records a
    /// careful one runs alone at most.
    static constexpr std::int64_t window = 256;

    enum class stage : std::uint8_t {
        asking,
        unplaced,
        announcing,
        free,
        windowed,
        careful,
        naming,
        alone,
        condemned
    };

    explicit crash_guard(const crash_settings& settings) noexcept
        : settings_(settings), stage_(settings.suspect_after == 0 ? stage::free : stage::asking) {}

    // --- events

    /// What is committed for the partition: the offset, if any, and its metadata.
    void found(std::optional<offset> committed, std::string_view metadata, steady_time now) noexcept;
    /// A record was taken while wants_one(); nothing of it runs before may_run().
    void took(offset which) noexcept;
    /// The broker has this offset, with this metadata.
    void committed(offset next, std::string_view metadata, steady_time now) noexcept;
    /// Everything from `first`, where the records of this assignment begin, to `frontier` is done. `put_off`:
    /// the record that ran alone came back undone and waits.
    void progress(offset first, offset frontier, bool put_off, steady_time now) noexcept;
    /// The partition goes back in good order: what is committed from now on says so.
    void leave() noexcept;

    // --- answers

    [[nodiscard]] stage at() const noexcept { return stage_; }
    /// The first record is needed before anything can be committed, or each must be named.
    [[nodiscard]] bool wants_one() const noexcept {
        return stage_ == stage::unplaced || stage_ == stage::careful;
    }
    /// What was taken may go on.
    [[nodiscard]] bool may_run() const noexcept {
        if (stage_ == stage::alone || stage_ == stage::condemned) return true;
        return !is_named_ && (stage_ == stage::free || stage_ == stage::windowed);
    }
    /// How many records more may be taken to be begun at once, `most` at most, where `end` is the end of what
    /// was begun.
    [[nodiscard]] std::size_t room(offset end, std::size_t most) const noexcept;
    /// Its record runs alone, or is about to, or is still named at the broker: no partition that is not
    /// trusted begins anything.
    [[nodiscard]] bool is_alone() const noexcept {
        return is_named_ || stage_ == stage::naming || stage_ == stage::alone;
    }
    /// It is careful for so long and has run none alone yet: what the others should wait for.
    [[nodiscard]] bool waits_for_first(steady_time now, duration at_most) const noexcept {
        return stage_ == stage::careful && alone_ == 0 && now - since_ < at_most;
    }
    /// The record that killed is on its way elsewhere, so long after the start at most: who dies meanwhile
    /// would put it there again.
    [[nodiscard]] bool puts_away(steady_time now, duration at_most) const noexcept {
        return stage_ == stage::condemned && now - since_ < at_most;
    }
    [[nodiscard]] bool has_progress() const noexcept { return moved_ || settings_.suspect_after == 0; }
    /// The record to put elsewhere instead of running it.
    [[nodiscard]] std::optional<offset> condemned() const noexcept { return condemned_; }
    /// How many starts there were, this one included.
    [[nodiscard]] int starts() const noexcept { return starts_; }
    /// A commit is worth making before the next tick.
    [[nodiscard]] bool hurries() const noexcept {
        return stage_ == stage::announcing || stage_ == stage::naming || stage_ == stage::windowed ||
               (is_named_ && stage_ != stage::alone);
    }
    /// What there is to commit for a partition of which nothing was begun yet; none: nothing is known.
    [[nodiscard]] std::optional<offset> position() const noexcept { return position_; }
    /// The metadata of the next commit, at `next`.
    [[nodiscard]] std::string note(offset next) const;

private:
    void over(steady_time now) noexcept;
    void be_ready(steady_time now) noexcept;

    crash_settings settings_;
    stage stage_;
    int starts_ = 0;
    bool moved_ = false;    // the frontier has, since the start
    bool is_named_ = false; // a record that could be blamed, in what the broker has
    bool cleared_ = false;  // nothing is to be feared any more: what is committed says 0
    std::optional<offset> position_{};
    std::optional<offset> named_{};
    std::optional<offset> condemned_{};
    offset committed_{0};
    std::int64_t alone_ = 0; // records that ran alone
    steady_time since_{};    // of the present stage, where that has a bound
};

[[nodiscard]] std::string_view to_string(crash_guard::stage which) noexcept;

} // namespace corvid

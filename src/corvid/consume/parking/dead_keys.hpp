// SPDX-License-Identifier: Apache-2.0
//
// dead_keys: the dead keys of one partition, and how they live again. It decides; `parking` performs. Pure:
// no topic, clock or thread.
//
//   live ──marked()──▶ dead ──a command that came behind the mark──▶ being released ──settle()──▶ live
//                        ▲                                               │
//                        └───────────── a released record dies ──────────┘
//
// Invariants
//   - A key lives again only when everything of it that is parked has been given back and is done.
//   - Parked records of a key are given back in the order of the source, each at most once a death.
//   - A command is for the death that it comes behind, and for no later one: the log's order says so.
//   - What this object holds is written until the log holds it: whoever else wrote the topic is overruled.
//
// Owned by one loop. Offsets: `offset` is one of the source, `place` one of the topic that is spoken of.
#pragma once

#include <corvid/consume/parking/entry.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

class dead_keys {
public:
    using place = std::int64_t;

    /// Of the source partition `of`; `most_in_hand` records are given back and not done at a time.
    dead_keys(partition_id of, std::size_t most_in_hand) noexcept : of_(of), most_in_hand_(most_in_hand) {}

    // --- the topic of keys
    void heard(const parked_entry& what, place at);
    /// Everything that was in it when reading began has been heard.
    void caught_up();
    [[nodiscard]] bool is_ready() const noexcept { return is_ready_; }
    /// What is to be written; each is asked for once, until wrote() or failed().
    [[nodiscard]] std::vector<parked_entry> due();
    /// Something is due, or under way.
    [[nodiscard]] bool has_due() const noexcept { return !changed_.empty(); }
    void wrote(const parked_entry& what, place at);
    void failed(const parked_entry& what);

    struct dead {
        std::string key;
        offset at;
        std::optional<parked_command> asked_for;
    };
    /// By their keys.
    [[nodiscard]] std::vector<dead> list() const;

    // --- records
    [[nodiscard]] std::size_t size() const noexcept { return dead_; }
    [[nodiscard]] bool empty() const noexcept { return dead_ == 0; }
    /// What the key died with.
    [[nodiscard]] std::optional<offset> dead_at(std::string_view key) const;
    /// gone: it is released, and its key died anew: it is parked yet.
    enum class fate : std::uint8_t { runs, is_parked, is_dead, gone };
    [[nodiscard]] fate fate_of(std::string_view key, offset at, bool is_released) const;

    /// The key is to die with this record. False: the log knows already.
    [[nodiscard]] bool begin_mark(std::string_view key, offset at);
    void marked(std::string_view key, offset at, place mark);
    /// A record of a dead key is on its way to the parked topic; then it is there.
    void begin_park(std::string_view key);
    void parked(std::string_view key, place at);

    // --- giving back
    /// True: the parked topic is to be read from its begin, now.
    [[nodiscard]] bool begin_pass();
    [[nodiscard]] bool is_reading() const noexcept { return is_reading_; }
    [[nodiscard]] bool has_room() const noexcept;
    [[nodiscard]] std::size_t in_hand() const noexcept { return in_hand_; }
    enum class handed : std::uint8_t { nothing, runs, dropped };
    /// A parked record was read. runs: it is in hand until returned() or forsaken().
    [[nodiscard]] handed came(std::string_view key, offset at, place in);
    /// All that was there when the pass began has come.
    void reached_end() noexcept;
    void returned(std::string_view key);
    /// A record in hand is not run: its key stays dead.
    void forsaken(std::string_view key);
    /// A record in hand has to wait: others do not wait for it.
    void put_off(std::string_view key) noexcept;
    /// A key is so near to its end that nothing of the partition is taken until it lives.
    [[nodiscard]] bool holds_intake() const noexcept;
    struct lived {
        std::string key;
        parked_command how;
        std::size_t records; ///< given back
    };
    /// The keys that live from now on.
    [[nodiscard]] std::vector<lived> settle();

private:
    struct command {
        parked_command what;
        place at;
    };
    struct giving {
        parked_command how;
        std::int64_t last;       ///< offset of the last record that was given back
        bool drops;              ///< what was there when it was discarded
        std::size_t count = 0;   ///< of them
        bool is_put_off = false; ///< what is in hand of it waits
        bool is_behind = false;  ///< records of it were left out for that: it needs another pass
        bool is_closing = false; ///< the end has been seen, and nothing was in hand
    };
    struct state {
        std::optional<offset> died = {};                                  ///< none: it lives
        place mark = -1;                                                  ///< of its death
        std::optional<offset> logged = {};                                ///< what the topic says
        std::optional<std::pair<place, std::optional<offset>>> seen = {}; ///< since a write began
        int writes = 0;                                                   ///< under way
        std::size_t parking = 0;                                          ///< records on their way
        place parked_to = -1;
        std::optional<command> asked = {};
        bool is_ask_over = false; ///< the command needs a tombstone
        bool is_ask_writing = false;
        std::size_t in_hand = 0; ///< given back, and not done
        std::optional<giving> gives = {};

        [[nodiscard]] bool is_asked() const noexcept { return died && asked && asked->at > mark; }
        [[nodiscard]] bool is_blank() const noexcept {
            return !died && !logged && writes == 0 && parking == 0 && !asked && !is_ask_over &&
                   !is_ask_writing && in_hand == 0;
        }
    };
    [[nodiscard]] state& of(std::string_view key);
    void hear_mark(state& its, const std::optional<offset>& at, place in) noexcept;
    static void written(state& its, const std::optional<offset>& what, place at) noexcept;
    static void forget_stale(state& its) noexcept;
    void erase_if_blank(std::string_view key);

    partition_id of_;
    std::size_t most_in_hand_;
    std::map<std::string, state, std::less<>> keys_;
    std::set<std::string, std::less<>> changed_; // may have something to write
    std::set<std::string, std::less<>> asked_;   // or given back
    std::size_t dead_ = 0, in_hand_ = 0;
    place taken_to_ = -1;
    bool is_ready_ = false, is_reading_ = false, at_end_ = false;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// relay_loop: the shell around position, lanes, share and tables: two coroutines on the database's loop. One
// looks for rows, the other saves, shares, removes and counts; what was found is sent in between, so that the
// server reads on meanwhile. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/outbox/commit_signal.hpp>
#include <corvid/outbox/relay.hpp>
#include <corvid/outbox/relay/nap.hpp>
#include <corvid/outbox/relay/notice_listener.hpp>
#include <corvid/outbox/relay/relay_tables.hpp>

#include <map>
#include <mutex>
#include <set>

namespace corvid::outbox_detail {

class relay_loop : public std::enable_shared_from_this<relay_loop> {
public:
    relay_loop(database& db, publisher& out, relay_settings settings, metrics* figures, logger log);
    virtual ~relay_loop() = default;
    relay_loop(const relay_loop&) = delete;
    relay_loop& operator=(const relay_loop&) = delete;

    void start(std::shared_ptr<relay_loop> self);
    /// On a thread that is no loop. `orderly`: what is on its way is waited for, and the rest given back.
    void close(bool orderly);
    [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }

private:
    struct held {
        std::int64_t epoch;
        relay_position position;
        bool changed = true; ///< since the last save
        bool leaving = false;
    };
    struct answer {
        std::uint64_t token;
        std::optional<error> failed;
    };
    /// Sends some of what may be sent, then lets others work.
    struct send_turn : work {
        explicit send_turn(relay_loop& r) noexcept
            : work([](work& w) noexcept { static_cast<send_turn&>(w).of.send_some(); }), of(r) {}
        relay_loop& of;
        bool posted = false;
    };
    struct listener final : commit_listener {
        explicit listener(relay_loop& r) : commit_listener(r.db_.loop()), of(r) {}
        bool committed() noexcept override {
            of.news();
            return of.has_all_;
        }
        relay_loop& of;
    };
    struct relay_figures {
        relay_figures(metrics* into, const std::string& database);
        gauge pending, oldest;
        counter published, failed, parked, saves;
        gauge shards;
    };

    static task<void> run(std::shared_ptr<relay_loop> self);
    static task<void> look_on(std::shared_ptr<relay_loop> self);
    static task<void> finish(std::shared_ptr<relay_loop> self);
    void news() noexcept {
        look_now_ = true;
        looker_.wake();
    }
    [[nodiscard]] bool is_due(steady_time when) const { return db_.loop().steady_now() >= when; }
    [[nodiscard]] bool has_room() const noexcept;
    [[nodiscard]] steady_time next_turn() const;
    [[nodiscard]] duration pause_after(int failures);

    task<bool> share();
    task<void> take(const std::vector<std::int32_t>& shards);
    task<void> give_back();
    task<bool> look();
    void take_in(read_answer& got, const std::vector<read_wish>& wishes, std::size_t limit);
    [[nodiscard]] std::int64_t limit_now() const;
    task<bool> save();
    [[nodiscard]] bool has_to_save() const;
    task<void> shed();
    task<void> count();

    [[nodiscard]] bool holds() const noexcept { return settings_.when_parked == when_parked::hold; }
    void accept(std::unique_ptr<relay_row> row);
    void park(const relay_row& row, std::string reason, bool behind);
    void refuse(const relay_row& row, const error& why);
    task<bool> look_at_parked();
    void hold(const std::vector<std::int32_t>& shards, const std::vector<shard_lane>& parked);
    void forget_parked(std::int32_t shard);
    void parked_is_saved(const parked_changes& saved);

    void send_ready() noexcept;
    void send_some() noexcept;
    void send(std::uint64_t token, const relay_row& row);
    [[nodiscard]] result<void> read_headers(std::string_view text);
    void answered(std::uint64_t token, result<delivery> came);
    void take_answers();
    void settle(const answer& came);
    void arrived(const relay_row& row);
    void lose(std::int32_t shard);
    void trouble(std::string_view doing, const error& why);

    database& db_;
    publisher& out_;
    relay_settings settings_;
    logger log_;
    relay_figures figures_;
    relay_tables tables_;
    prng random_;

    std::map<std::int32_t, held> shards_;
    row_lanes lanes_;
    std::map<std::string, published_topic*, std::less<>> topics_;
    std::vector<std::pair<std::string, std::string>> header_texts_; // of the row that is sent now
    header_list header_views_;
    parked_changes parked_;            // to be saved
    std::set<shard_lane> held_lanes_;  // of which something is parked, where that holds up the rest
    std::set<std::int64_t> unparking_; // the seq of what was parked, and is in a lane or not yet saved
    std::vector<std::int64_t> published_;
    std::size_t row_bytes_ = 256;          // about, of the rows that came last
    int failures_ = 0, look_failures_ = 0; // of the database, in a row
    steady_time share_at_{}, look_at_{}, look_rested_at_{}, save_at_{}, shed_at_{}, count_at_{}, parked_at_{};
    bool look_now_ = true, more_ = false, looking_ = true;
    bool has_all_ = false; // at the last look at the shares, all shards, and nobody else lived

    std::mutex mutex_;
    bool is_over_ = false; // nothing is posted any more
    std::vector<answer> answers_;
    nap worker_, looker_;
    send_turn sending_{*this};
    std::optional<listener> listener_;
    notice_listener notices_;
    task_scope running_;
    bool closing_ = false, orderly_ = true, closed_ = false;
};

} // namespace corvid::outbox_detail

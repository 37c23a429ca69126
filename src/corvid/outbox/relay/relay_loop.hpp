// SPDX-License-Identifier: Apache-2.0
//
// relay_loop: the shell around position, lanes, share and tables: one coroutine on the database's loop that
// looks, sends, saves and rests. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/outbox/commit_signal.hpp>
#include <corvid/outbox/relay.hpp>
#include <corvid/outbox/relay/notice_listener.hpp>
#include <corvid/outbox/relay/relay_tables.hpp>

#include <map>
#include <mutex>

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
    struct wake_timer : timer {
        explicit wake_timer(relay_loop& r) noexcept
            : timer([](work& w) noexcept { static_cast<wake_timer&>(w).of.wake(); }), of(r) {}
        relay_loop& of;
    };
    struct rest_operation : operation<rest_operation, void> {
        rest_operation(relay_loop& r, steady_time t) noexcept : of(r), until(t) {}
        bool start();
        void take() const noexcept {}
        using operation::complete;
        relay_loop& of;
        steady_time until;
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
    static task<void> finish(std::shared_ptr<relay_loop> self);
    void wake() noexcept;
    void news() noexcept {
        look_now_ = true;
        wake();
    }
    [[nodiscard]] bool is_due(steady_time when) const { return db_.loop().steady_now() >= when; }
    [[nodiscard]] steady_time next_turn() const;

    task<bool> share();
    task<void> take(const std::vector<std::int32_t>& shards);
    task<void> give_back();
    task<bool> look();
    void take_in(read_answer& got, std::size_t limit);
    [[nodiscard]] std::int64_t limit_now() const;
    task<bool> save();
    [[nodiscard]] bool has_to_save() const;
    task<void> shed();
    task<void> count();

    void send_ready();
    void send(std::uint64_t token, const relay_row& row);
    void answered(std::uint64_t token, result<delivery> came);
    void take_answers();
    void settle(const answer& came);
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
    std::vector<parking> parked_;
    std::vector<std::int64_t> published_;
    std::size_t row_bytes_ = 256; // about, of the rows that came last
    int failures_ = 0;            // of the database, in a row
    steady_time share_at_{}, look_at_{}, save_at_{}, shed_at_{}, count_at_{};
    bool look_now_ = true, more_ = false;
    bool has_all_ = false; // at the last look at the shares, all shards, and nobody else lived

    std::mutex mutex_;
    std::vector<answer> answers_;
    wake_timer timer_{*this};
    rest_operation* resting_ = nullptr;
    std::optional<listener> listener_;
    notice_listener notices_;
    task_scope running_;
    bool closing_ = false, orderly_ = true, closed_ = false;
};

} // namespace corvid::outbox_detail

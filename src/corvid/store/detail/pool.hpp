// SPDX-License-Identifier: Apache-2.0
//
// pool: the sessions of one database, on its loop. Performs what pool_state decides. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/store/detail/pool_state.hpp>
#include <corvid/store/session.hpp>
#include <corvid/store/settings.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::store::detail {

class pool final : public session_lender {
public:
    using session_factory = std::function<std::unique_ptr<session>(scheduler&)>;

    /// `settings` outlives the pool.
    pool(scheduler& loop, const database_settings& settings, session_factory make, metrics* figures);

    class acquire_operation;
    /// A session, lent to the caller until release(). pool_exhausted after acquire_timeout.
    [[nodiscard]] acquire_operation acquire();
    /// Rolls back what is left open, then lends it on.
    void release(pool_state::slot_id slot);
    [[nodiscard]] session& at(pool_state::slot_id slot) noexcept { return *sessions_[slot]; }

    void notify(std::string_view channel) noexcept override;

    /// Refuses who waits and who comes.
    void refuse();
    /// After refuse(), when nothing is lent any more: ends what the pool itself has begun, and the sessions.
    task<void> end();

    /// Any thread.
    [[nodiscard]] bool reachable() const noexcept { return reachable_.load(std::memory_order_relaxed); }

private:
    friend class acquire_operation;
    struct retry_timer : timer {
        explicit retry_timer(pool& p) noexcept
            : timer([](work& w) noexcept { static_cast<retry_timer&>(w).owner.act(); }), owner(p) {}
        pool& owner;
    };

    void act();
    void perform(const pool_state::lend& todo);
    void perform(const pool_state::open& todo);
    void perform(const pool_state::wake& todo);
    task<void> open_one(pool_state::slot_id slot);
    task<void> validate(pool_state::lend todo);
    task<void> clean(pool_state::slot_id slot);
    task<void> send_notices();
    void open_failed(pool_state::slot_id slot, const error& why);
    void settle(pool_state::waiter_id who, result<pool_state::slot_id> outcome);
    void give_back(pool_state::slot_id slot);
    void refuse_all(const error& why);
    void show() const;
    [[nodiscard]] error exhausted() const;

    scheduler& loop_;
    const database_settings& settings_;
    session_factory make_;
    pool_state state_;
    prng random_;
    std::vector<std::unique_ptr<session>> sessions_;
    std::map<pool_state::waiter_id, acquire_operation*> waiters_;
    pool_state::waiter_id last_waiter_ = 0;
    std::optional<error> last_failure_;
    retry_timer retry_{*this};
    std::vector<std::string> notices_; // channels, each once
    bool notifying_ = false;
    task_scope scope_;
    bool closing_ = false;
    std::atomic<bool> reachable_{true};
    gauge idle_, lent_, waiting_;
    counter failures_, timeouts_;
    histogram waited_;
};

class pool::acquire_operation : public operation<acquire_operation, result<pool_state::slot_id>> {
public:
    explicit acquire_operation(pool& owner) noexcept : owner_(owner), deadline_(*this) {}
    bool start() noexcept;
    result<pool_state::slot_id> take() noexcept { return std::move(outcome_); }

private:
    friend class pool;
    struct acquire_alarm : timer {
        explicit acquire_alarm(acquire_operation& o) noexcept
            : timer([](work& w) noexcept { static_cast<acquire_alarm&>(w).owner.too_late(); }), owner(o) {}
        acquire_operation& owner;
    };
    void too_late() noexcept;

    pool& owner_;
    acquire_alarm deadline_;
    pool_state::waiter_id id_ = 0;
    steady_time began_{};
    bool late_ = false;
    result<pool_state::slot_id> outcome_{0};
};

inline pool::acquire_operation pool::acquire() { return acquire_operation(*this); }

} // namespace corvid::store::detail

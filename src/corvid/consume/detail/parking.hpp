// SPDX-License-Identifier: Apache-2.0
//
// parking: the dead keys of one partition, while this member owns it (docs/decisions/0010). Read from the
// parked-keys topic before the partition's first record is taken; from then on this object is the truth, and
// the topic brings commands alone. Loop only.
//
//   live ─died()─▶ dead ─a command─▶ being released: parked records go to their lane, in order; newer ones are
//     ▲                                    │         parked behind them
//     └──── both tombstones are durable ◀──┴── nothing is parked any more: the partition takes nothing meanwhile
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/consume/detail/tenancy.hpp>
#include <corvid/consume/detail/parked.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace corvid {

class publisher;

/// What a parking needs of its dispatcher.
class parking_owner {
public:
    /// A parked record, with the offset that it had in the source.
    virtual void place_released(tenancy& at, const record& what, const record_batch& batch) = 0;
    [[nodiscard]] virtual bool has_work_of(const tenancy& at, const optional_bytes& key) const = 0;
    /// Something that was sent has been answered: the tenancy may go after this.
    virtual void answered(tenancy& of) noexcept = 0;

protected:
    ~parking_owner() = default;
};

class parking {
public:
    parking(tenancy& of, parking_owner& owner, broker::cluster& cluster, scheduler& loop,
            broker::source_listener& listener, publisher& by);
    parking(const parking&) = delete;
    parking& operator=(const parking&) = delete;

    /// Takes what has come of the two topics, and goes on with a release. True if something came.
    bool turn();
    /// All dead keys are known, and none is on its way back to life.
    [[nodiscard]] bool may_take() const noexcept { return is_ready_ && !closing_; }
    /// The partition goes: nothing is read any more.
    void close() noexcept;

    [[nodiscard]] bool empty() const noexcept { return dead_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return dead_.size(); }
    /// The offset of the record that the key died with; none: it lives.
    [[nodiscard]] std::optional<offset> dead_at(const optional_bytes& key) const;
    [[nodiscard]] bool is_released(const optional_bytes& key) const {
        return active_ && active_->key == key.text();
    }

    /// It is durable that the key died there.
    void died(const optional_bytes& key, offset at);
    /// A record of a dead key is durable in the parked topic, at `at`.
    void parked(std::int64_t at) noexcept { parked_to_ = std::max(parked_to_, at); }
    /// A released record is done, or not run any more.
    void returned() noexcept { --in_hand_; }

private:
    struct release {
        std::string key;
        parked_command what = parked_command::release;
        std::int64_t last = -1; ///< source offset of the last record that was given on
        std::size_t count = 0;
    };
    [[nodiscard]] bool take_keys();
    void apply(parked_entry&& entry);
    void begin_next();
    [[nodiscard]] bool take_parked();
    void give_on(const record& what, const record_batch& batch);
    void close_when_done();
    void write(parked_entry entry, std::function<void()> then);
    void over();
    void forget_stale();

    tenancy& of_;
    parking_owner& owner_;
    broker::cluster& cluster_;
    scheduler& loop_;
    broker::source_listener& listener_;
    publisher& by_;
    std::unique_ptr<broker::partition_reader> keys_, parked_;
    std::map<std::string, offset, std::less<>> dead_;
    std::map<std::string, parked_command, std::less<>> asked_;
    std::set<std::string> stale_; // commands that are over, and have no tombstone yet
    std::unique_ptr<release> active_;
    std::size_t in_hand_ = 0; // released, and not done
    std::int64_t taken_to_ = -1; // offsets in the parked topic
    std::int64_t parked_to_ = -1;
    bool is_ready_ = false, is_writing_ = false, is_closed_ = false;
    bool closing_ = false;    // nothing is taken of the partition
    bool is_settled_ = false; // the command has its tombstone
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// parking: what dead_keys decides for one partition, performed while this member owns it: the two topics
// read, commands carried out, what has changed written (docs/decisions/0013). Loop only.
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/consume/detail/tenancy.hpp>
#include <corvid/consume/parking/dead_keys.hpp>

#include <memory>
#include <string>

namespace corvid {

class publisher;

/// What a parking needs of its dispatcher.
class parking_owner {
public:
    /// A parked record as it was in the source, its offset included.
    virtual void place_released(tenancy& at, const record& source, const header_list& its_headers) = 0;
    /// Something that was sent has been answered: the tenancy may go after this.
    virtual void answered(tenancy& of) noexcept = 0;

protected:
    ~parking_owner() = default;
};

class parking final : private broker::source_listener {
public:
    /// `loops` is told when turn() has something to do.
    parking(tenancy& of, parking_owner& owner, broker::cluster& cluster, scheduler& loop,
            broker::source_listener& loops, publisher& by);
    parking(const parking&) = delete;
    parking& operator=(const parking&) = delete;
    virtual ~parking() = default;

    /// Takes what has come of the topic of keys, and, with `may_release`, of the parked one. True if it did
    /// something.
    bool turn(bool may_release);
    /// All dead keys are known, and none is about to live again.
    [[nodiscard]] bool may_take() const noexcept { return keys.is_ready() && !keys.holds_intake(); }
    /// The partition goes: nothing is read any more.
    void close() noexcept;

    dead_keys keys;

private:
    void ready() noexcept override;
    [[nodiscard]] bool take_keys();
    void warn_when_late();
    [[nodiscard]] bool take_parked();
    void give_on(const record& what, const record_batch& batch);
    void settle();
    void write_due();
    void write(const parked_entry& entry);
    void answered(const parked_entry& what, const result<offset>& answer);
    void say(std::string_view text, std::string_view how, std::int64_t number);

    tenancy& of_;
    parking_owner& owner_;
    broker::cluster& cluster_;
    scheduler& loop_;
    broker::source_listener& loops_;
    publisher& by_;
    std::unique_ptr<broker::partition_reader> of_keys_, of_parked_;
    bool is_awake_ = true;       // records may wait
    steady_time writes_after_{}; // a write failed
    steady_time warns_at_{};     // unless all dead keys are known by then
    bool is_closed_ = false;
};

} // namespace corvid

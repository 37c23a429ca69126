// SPDX-License-Identifier: Apache-2.0
//
// intake: what plain threads send goes to the sink together while much of it comes, and at once otherwise.
//
// A lane opens when many records went by it between two delivery reports. From then on the delivery loop
// sweeps it every period: what lies in it is handed over, and the lane closes when little came for a while.
// Each thread keeps to one lane, and a lane closes only when it is empty, so that a thread's records keep
// their order. A record waits at most one period.
#pragma once

#include <corvid/produce/detail/record_bundle.hpp>
#include <corvid/produce/detail/record_copy.hpp>
#include <corvid/produce/detail/succession.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace corvid::detail {

class intake {
public:
    /// How many records make it worth while.
    static constexpr std::uint32_t many = 64;
    /// After how many sweeps that found fewer a lane closes: bursts have pauses.
    static constexpr std::uint32_t patience = 50;

    /// Takes what a broken sink refuses; null: nobody does.
    explicit intake(succession* next = nullptr) noexcept : next_(next) {}

    /// A record that was refused after it had been taken, with its bytes.
    struct refused_record {
        std::unique_ptr<record_copy> bytes;
        broker::outgoing record;
        error why;
    };

    /// Copies the record and hands it over within a period; false: it is yours to send now, and what this
    /// thread sent before is with the sink. Any thread that is no loop.
    [[nodiscard]] bool take(broker::record_sink& to, const broker::outgoing& record);
    /// Hands over what all threads gave so far. Any thread.
    void hand_over();
    /// Hands over, and takes nothing from now on. Any thread.
    void shut();

    /// Opens lanes by which many records went since the last look; true: one did, and sweeps are needed.
    /// Delivery loop.
    [[nodiscard]] bool look();
    /// Hands over; closes lanes that have become quiet; true: some are open still. Delivery loop, every
    /// period.
    [[nodiscard]] bool sweep();
    /// Keeps a record that was refused elsewhere. Any thread.
    void refuse(const broker::outgoing& record, error&& why);
    /// Those that were refused since the last call. Delivery loop.
    [[nodiscard]] std::vector<refused_record> take_refused();

private:
    struct lane {
        std::atomic<bool> open{false};
        std::atomic<std::uint32_t> went_by{0}; // since the last look or sweep
        std::mutex mutex;
        record_bundle bundle; // under the mutex, as all below
        std::vector<refused_record> refused;
        std::uint32_t quiet = 0; // sweeps in a row that found few
        bool shut = false;

        void hand_over(succession* next);
        void refuse(const broker::outgoing& record, error&& why);
    };

    [[nodiscard]] lane& mine() noexcept;

    succession* const next_;
    std::array<lane, 4> lanes_;
};

} // namespace corvid::detail

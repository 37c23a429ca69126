// SPDX-License-Identifier: Apache-2.0
//
// gather: what a loop sends in one turn goes to its sink together, when the turn ends. What is no small plain
// record goes at once, behind what was gathered before it, so that a loop's records keep their order.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/produce/detail/record_bundle.hpp>

namespace corvid::detail {

class gather {
public:
    /// Whose records they are. It lives until each bundle that began has ended.
    struct owner {
        /// Before a bundle's first record; false: no more bundles.
        [[nodiscard]] virtual bool bundle_began() noexcept = 0;
        /// A record of the bundle was not taken. It is borrowed.
        virtual void refused(const broker::outgoing& record, error&& why) noexcept = 0;
        virtual void bundle_ended() noexcept = 0;

    protected:
        ~owner() = default;
    };

    /// The calling thread's.
    [[nodiscard]] static gather& here();

    /// Copies the record and hands it over before the turn ends; false, and nothing happened, if it is none
    /// to gather or no turn is open.
    [[nodiscard]] bool take(broker::record_sink& to, const broker::outgoing& record, owner& of) noexcept;
    /// Hands over what is gathered.
    void hand_over() noexcept;

private:
    struct turn_end : work {
        explicit turn_end(gather& g) noexcept : work(&turn_end::reached), of(g) {}
        static void reached(work& node) noexcept;
        gather& of;
    };

    [[nodiscard]] bool hang_in() noexcept;

    turn_end end_{*this};
    bool hung_in_ = false;
    owner* of_ = nullptr;
    record_bundle bundle_;
};

} // namespace corvid::detail

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
    /// Whose records they are: told of those that were refused after all.
    struct owner {
        virtual void refused(const broker::outgoing& record, error&& why) noexcept = 0;

    protected:
        ~owner() = default;
    };

    /// The calling thread's.
    [[nodiscard]] static gather& here();

    /// Copies the record and hands it over before the turn ends; false, and nothing happened, if it is none
    /// to gather or no turn is open.
    [[nodiscard]] bool take(broker::record_sink& to, const broker::outgoing& record, owner& of) noexcept;
    /// Hands over what is gathered.
    void hand_over() noexcept {
        if (!bundle_.empty()) tell_refused();
    }

private:
    struct turn_end : work {
        explicit turn_end(gather& g) noexcept : work(&turn_end::reached), of(g) {}
        static void reached(work& node) noexcept;
        gather& of;
    };

    [[nodiscard]] bool hang_in() noexcept;
    void tell_refused() noexcept;

    turn_end end_{*this};
    bool hung_in_ = false;
    bool telling_ = false;
    owner* of_ = nullptr;
    record_bundle bundle_;
};

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// What a subscription's chain holds back: while a breaker is open, a rate limit used up or a bulkhead full,
// nothing is taken and nothing begun. Records wait where they are, ready, in their order; none is tried for
// the sake of being refused.
#include <corvid/consume/detail/dispatcher.hpp>
#include <corvid/middleware/attempt_chain.hpp>

#include <algorithm>

namespace corvid {

bool dispatcher::may_begin() {
    if (!chain_) return true;
    const steady_time now = loop_.steady_now();
    if (held_until_ && now < *held_until_) return false;
    held_until_.reset();
    hold_back(chain_->hold(now, probing_));
    return !held_until_;
}

// What is ready goes first where the handler works on batches, or a few probes are all that may run.
bool dispatcher::may_take_for_chain() {
    if (!chain_) return true;
    if (lanes_.ready() > 0 && (where_.is_immediate() || chain_->is_probing())) return false;
    return may_begin();
}

void dispatcher::hold_back(const std::optional<steady_time>& until) {
    if (!until) return;
    held_until_ = held_until_ ? std::max(*held_until_, *until) : *until;
    if (!draining_.empty()) cut_at_what_is_held_back();
}

// A partition that drains does not wait for what may not be begun: it comes again.
void dispatcher::cut_at_what_is_held_back() {
    lanes_.for_each([](const lane& in) {
        const auto* each = static_cast<const held_record*>(&in.front());
        for (std::size_t i = 0; each; ++i, each = each->following())
            if (i >= in.at_work() && !each->of->takes_in()) each->of->cut_at(each->offset);
    });
}

} // namespace corvid

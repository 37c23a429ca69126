// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/gather.hpp>

#include <memory>

namespace corvid::detail {

gather& gather::here() {
    thread_local const std::unique_ptr<gather> own = std::make_unique<gather>();
    return *own;
}

bool gather::take(broker::record_sink& to, const broker::outgoing& record, owner& of) noexcept {
    if (telling_ || !record_bundle::takes(record) || !hang_in()) return false;
    if (!bundle_.has_room(to, record)) tell_refused();
    of_ = &of;
    bundle_.add(to, record);
    return true;
}

bool gather::hang_in() noexcept {
    if (!hung_in_) hung_in_ = turn::at_end(end_);
    return hung_in_;
}

void gather::turn_end::reached(work& node) noexcept {
    gather& g = static_cast<turn_end&>(node).of;
    g.hung_in_ = false;
    g.hand_over();
}

// Who is told may send again at once: such a record goes its own way, for the refused ones are still in
// place.
void gather::tell_refused() noexcept {
    auto refusals = bundle_.hand_over();
    telling_ = true;
    for (auto& each : refusals)
        of_->refused(*each.record, std::move(each.why));
    telling_ = false;
}

} // namespace corvid::detail

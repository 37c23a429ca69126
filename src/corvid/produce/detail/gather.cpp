// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/gather.hpp>

#include <memory>

namespace corvid::detail {

gather& gather::here() {
    thread_local const std::unique_ptr<gather> own = std::make_unique<gather>();
    return *own;
}

bool gather::take(broker::record_sink& to, const broker::outgoing& record, owner& of) noexcept {
    if (!record_bundle::takes(record) || !hang_in()) return false;
    if (!bundle_.has_room(to, record)) hand_over();
    if (bundle_.empty()) {
        if (!of.bundle_began()) return false;
        of_ = &of;
    }
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

void gather::hand_over() noexcept {
    if (bundle_.empty()) return;
    owner& of = *of_;
    for (auto& each : bundle_.hand_over())
        of.refused(*each.record, std::move(each.why));
    of.bundle_ended();
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/attempt/attempts.hpp>

namespace corvid::detail {

attempts::attempts(run& records) : records_(records), home_(*scheduler::current()) {
    if (chain().deadline() > duration::zero()) limit_.emplace(chain().deadline(), records.origin().stop);
}

bool attempts::note(attempt& next, attempt::entry how) noexcept {
    refused_ = how == attempt::entry::refused;
    if (refused_) records_.leave_over(next.not_before());
    return !refused_;
}

bool attempts::enter(attempt& next) {
    auto how = next.enter(home_, nullptr, records_.take_payment());
    if (how == attempt::entry::waits) how = next.entered_bulkhead(false, home_, nullptr);
    return note(next, how);
}

bool attempts::must_wait(attempt& next) {
    const auto how = next.enter(home_, &home_, records_.take_payment());
    if (how == attempt::entry::waits) return true;
    note(next, how);
    return false;
}

void attempts::waited(attempt& next, bool has_place) {
    note(next, next.entered_bulkhead(has_place, home_, &home_));
}

} // namespace corvid::detail

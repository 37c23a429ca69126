// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/bisection.hpp>

namespace corvid::inbox_detail {

bool bisection::refused(std::optional<std::size_t> culprit) {
    const range all = open_.back();
    open_.pop_back();
    if (all.size() == 1) return true;
    if (culprit && *culprit >= all.first && *culprit < all.last) {
        push(*culprit + 1, all.last);
        push(*culprit, *culprit + 1);
        push(all.first, *culprit);
    } else {
        const std::size_t middle = all.first + all.size() / 2;
        push(middle, all.last);
        push(all.first, middle);
    }
    return false;
}

} // namespace corvid::inbox_detail

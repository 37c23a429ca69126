// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/fan_out.hpp>

namespace corvid::detail {

namespace {

int gravity_of(verdict what) noexcept {
    switch (what) {
    case verdict::skip:
        return 0;
    case verdict::done:
        return 1;
    case verdict::dead_letter:
        return 2;
    case verdict::retry:
        return 3;
    case verdict::stop:
        break;
    }
    return 4;
}

} // namespace

outcome graver(outcome so_far, outcome next) noexcept {
    return gravity_of(next.kind()) > gravity_of(so_far.kind()) ? std::move(next) : std::move(so_far);
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/batch_context.hpp>

#include <algorithm>

namespace corvid {

batch_context::batch_context(const batch_attempt& of, const batch_attempt::range& which)
    : of_(of), range_(which), origin_(&of.run_of(which.from).origin()), attempt_(of.attempt()) {}

batch_context::link::link(const stop_token& from, const stop_source& target)
    : stop_callback([](stop_callback& self, stop_reason reason) noexcept {
          static_cast<link&>(self).to.request(reason);
      }),
      to(target) {
    attach(from);
}

const stop_token& batch_context::stop() {
    if (asked_) return token_;
    token_ = asked_.emplace().token();
    std::vector<const run_origin*> known;
    for (std::size_t i = range_.from; i < range_.to; ++i) {
        const run_origin* const one = &of_.run_of(i).origin();
        if (std::ranges::find(known, one) != known.end()) continue;
        known.push_back(one);
        links_.emplace_back(one->stop, *asked_);
    }
    return token_;
}

} // namespace corvid

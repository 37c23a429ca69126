// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/batch_context.hpp>

#include <corvid/consume/shapes/publish_tally.hpp>

#include <algorithm>

namespace corvid {

batch_context::batch_context(batch_attempt& of, const batch_attempt::range& which)
    : of_(of), range_(which), origin_(&of.run_of(which.from).origin()), attempt_(of.attempt()) {}

batch_context::~batch_context() {
    for (std::size_t i = 0; i < singles_.size(); ++i)
        if (publish_tally* const made =
                singles_[i] ? singles_[i]->alone.exchange_published(nullptr) : nullptr)
            of_.published(range_.from + i, *made);
}

context& batch_context::of(std::size_t at) {
    singles_.resize(range_.size());
    auto& one = singles_.at(at);
    if (!one) one = std::make_unique<single>(of_.run_of(range_.from + at), of_.record_at(range_.from + at));
    return one->ctx;
}

task<std::vector<batch_context::unpublished>> batch_context::acknowledged() {
    std::vector<unpublished> failed;
    for (std::size_t i = 0; i < singles_.size(); ++i) {
        publish_tally* const made = singles_[i] ? singles_[i]->alone.exchange_published(nullptr) : nullptr;
        if (!made) continue;
        acknowledgement answer(*made);
        auto why = co_await answer;
        if (why) failed.push_back({i, *std::move(why)});
    }
    co_return failed;
}

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

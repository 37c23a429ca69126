// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/detail/hand_over.hpp>

#include <algorithm>

namespace corvid {

hand_over::hand_over(worker_pool* workers, handler& with, order how)
    : workers_(with.is_for_workers() ? workers : nullptr),
      handler_(with),
      order_(how),
      plain_(with.is_immediate()),
      where_(placement::place::workers),
      lists_(workers_ ? workers_->size() : 0) {}

// So few that all workers get some, and so many that handing over costs little.
std::size_t hand_over::length_unordered(std::size_t waiting) const noexcept {
    constexpr std::size_t most = 64;
    if (!plain_ || !workers_) return 1;
    return std::clamp<std::size_t>(waiting / (2 * lists_.size()), 1, most);
}

std::size_t hand_over::number_for(const lane* in, const lane_record& first) noexcept {
    if (!in) return next_ = (next_ + 1) % lists_.size();
    if (order_ == by_partition) return first.from.partition % lists_.size();
    return (in->hash() >> 32U) % lists_.size();
}

void hand_over::give(run& fresh, const lane* in, const lane_record& first) {
    const std::size_t number = number_for(in, first);
    lists_[number].push(fresh.bound_for((*workers_)[number], handler_));
    ++away_;
}

void hand_over::flush() noexcept {
    for (std::size_t i = 0; i < lists_.size(); ++i)
        if (!lists_[i].empty()) (*workers_)[i].loop().post(std::move(lists_[i]));
}

void hand_over::ended(const run& over) noexcept {
    if (!workers_) return;
    away_ -= over.was_away();
    const std::size_t seen = over.index() + (over.undecided() ? 1 : 0);
    if (plain_ && seen > 0 && where_.ran(seen, over.took())) moving_ = comes_here();
}

} // namespace corvid

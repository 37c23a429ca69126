// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/mark_optimism.hpp>

#include <algorithm>
#include <functional>
#include <iterator>

namespace corvid::inbox_detail {

bool mark_optimism::may_hope() noexcept {
    if (careful_for_ == 0) return true;
    --careful_for_;
    return false;
}

bool mark_optimism::seems_new(std::string_view id) {
    if (seen_.empty()) seen_.resize(rows);
    const std::uint64_t hash =
        std::hash<std::string_view>()(id) | (std::uint64_t{1} << 63U); // no empty place
    auto& its = seen_[hash % rows].hashes;
    const auto found = std::ranges::find(its, hash);
    const bool is_new = found == its.end();
    std::shift_right(its.begin(), is_new ? its.end() : std::next(found), 1);
    its.front() = hash;
    return is_new;
}

// What has gone well for as long as the next caution would last makes it short again.
void mark_optimism::confirmed() noexcept {
    if (++confirmed_ >= caution_) caution_ = least_caution;
}

void mark_optimism::refuted() noexcept {
    careful_for_ = caution_;
    caution_ = std::min(2 * caution_, most_caution);
    confirmed_ = 0;
}

} // namespace corvid::inbox_detail

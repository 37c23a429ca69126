// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/detail/intake.hpp>

#include <iterator>

namespace corvid::detail {

intake::lane& intake::mine() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
    return lanes_[number % lanes_.size()];
}

bool intake::take(broker::record_sink& to, const broker::outgoing& record) {
    lane& own = mine();
    if (!own.open.load(std::memory_order_acquire)) {
        own.went_by.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    const std::lock_guard lock(own.mutex);
    if (!own.open.load(std::memory_order_relaxed)) return false;
    own.went_by.store(own.went_by.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    const bool takes = record_bundle::takes(record);
    if (!takes || !own.bundle.has_room(to, record)) own.hand_over(next_);
    if (takes) own.bundle.add(to, record);
    return takes;
}

void intake::lane::hand_over(succession* next) {
    for (auto& each : bundle.hand_over())
        if (!next || each.why != errc::client_fatal || !next->hold(*each.record))
            refuse(*each.record, std::move(each.why));
}

void intake::lane::refuse(const broker::outgoing& record, error&& why) {
    refused_record& kept = refused.emplace_back(nullptr, record, std::move(why));
    kept.bytes = std::make_unique<record_copy>(kept.record);
}

void intake::hand_over() {
    for (lane& each : lanes_) {
        if (!each.open.load(std::memory_order_acquire)) continue;
        const std::lock_guard lock(each.mutex);
        each.hand_over(next_);
    }
}

void intake::shut() {
    for (lane& each : lanes_) {
        const std::lock_guard lock(each.mutex);
        each.hand_over(next_);
        each.shut = true;
        each.open.store(false, std::memory_order_release);
    }
}

bool intake::look() {
    bool opened = false;
    for (lane& each : lanes_) {
        if (each.open.load(std::memory_order_relaxed)) continue;
        if (each.went_by.load(std::memory_order_relaxed) == 0) continue;
        if (each.went_by.exchange(0, std::memory_order_relaxed) < many) continue;
        const std::lock_guard lock(each.mutex);
        if (each.shut) continue;
        each.quiet = 0;
        each.open.store(true, std::memory_order_release);
        opened = true;
    }
    return opened;
}

bool intake::sweep() {
    bool some_open = false;
    for (lane& each : lanes_) {
        if (!each.open.load(std::memory_order_relaxed)) continue;
        const bool few = each.went_by.exchange(0, std::memory_order_relaxed) < many;
        const std::lock_guard lock(each.mutex);
        each.hand_over(next_);
        each.quiet = few ? each.quiet + 1 : 0;
        if (each.quiet == patience) each.open.store(false, std::memory_order_release);
        some_open = some_open || each.quiet < patience;
    }
    return some_open;
}

void intake::refuse(const broker::outgoing& record, error&& why) {
    lane& own = mine();
    const std::lock_guard lock(own.mutex);
    own.refuse(record, std::move(why));
}

std::vector<intake::refused_record> intake::take_refused() {
    std::vector<refused_record> all;
    for (lane& each : lanes_) {
        const std::lock_guard lock(each.mutex);
        std::ranges::move(each.refused, std::back_inserter(all));
        each.refused.clear();
    }
    return all;
}

} // namespace corvid::detail

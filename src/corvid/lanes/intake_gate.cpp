// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/intake_gate.hpp>

#include <corvid/lanes/lane.hpp>

#include <algorithm>
#include <cassert>
#include <string>

namespace corvid {

namespace {

std::uint8_t bit_of(intake_stop why) noexcept {
    assert(why == intake_stop::revoking || why == intake_stop::failed || why == intake_stop::window_full);
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(why));
}

} // namespace

result<void> intake_settings::validate() const {
    const auto wrong = [](const char* member) {
        return fail(errc::invalid_setting, {.message = std::string(member) + " is 0",
                                            .hint = std::string("set ") + member + " to 1 or more"});
    };
    if (runnable_records == 0) return wrong("runnable_records");
    if (runnable_bytes == 0) return wrong("runnable_bytes");
    if (waiting_bytes == 0) return wrong("waiting_bytes");
    return {};
}

std::string_view label_of(intake_stop why) noexcept {
    switch (why) {
    case intake_stop::open:
        return "open";
    case intake_stop::closing:
        return "closing";
    case intake_stop::revoking:
        return "revoking";
    case intake_stop::failed:
        return "failed";
    case intake_stop::window_full:
        return "window_full";
    case intake_stop::waiting_bytes:
        return "waiting_bytes";
    case intake_stop::runnable_records:
        return "runnable_records";
    case intake_stop::runnable_bytes:
        return "runnable_bytes";
    case intake_stop::held_back:
        return "held_back";
    case intake_stop::runnable_share:
        break;
    }
    return "runnable_share";
}

std::string_view to_string(intake_stop why) noexcept {
    switch (why) {
    case intake_stop::open:
        return "open";
    case intake_stop::closing:
        return "the service stops";
    case intake_stop::revoking:
        return "the group takes the partition back";
    case intake_stop::failed:
        return "a record stopped the partition";
    case intake_stop::window_full:
        return "max_uncommitted is reached: a record pins the frontier";
    case intake_stop::waiting_bytes:
        return "waiting_bytes is reached: records wait in back-off or behind their key";
    case intake_stop::runnable_records:
        return "runnable_records is reached: handlers are behind";
    case intake_stop::runnable_bytes:
        return "runnable_bytes is reached: handlers are behind";
    case intake_stop::held_back:
        return "a circuit breaker, a rate limit or a bulkhead holds records back";
    case intake_stop::runnable_share:
        return "waiting_bytes is reached by others, and the partition holds its share of what is runnable";
    }
    return "unknown";
}

intake_gate::partition_state& intake_gate::state_of(std::uint32_t partition) {
    if (partition >= by_partition_.size()) by_partition_.resize(partition + 1);
    return by_partition_[partition];
}

void intake_gate::runnable(lane_record& record) {
    if (record.budget_ == budget::runnable) return;
    auto& p = state_of(record.from.partition);
    leave(record);
    record.budget_ = budget::runnable;
    for (figures* f : {&p.count, &total_}) {
        ++f->runnable_records;
        f->runnable_bytes += record.bytes;
    }
}

void intake_gate::waiting(lane_record& record) {
    if (record.budget_ == budget::waiting) return;
    auto& p = state_of(record.from.partition);
    leave(record);
    record.budget_ = budget::waiting;
    if (record.lane_) record.lane_->has_waited_ = true;
    for (figures* f : {&p.count, &total_}) {
        ++f->waiting_records;
        f->waiting_bytes += record.bytes;
    }
    if (!is_waiting_full() || p.adds_to_full) return;
    p.adds_to_full = true;
    ++stopped_;
}

void intake_gate::leave(lane_record& record) noexcept {
    if (record.budget_ == budget::none) return;
    auto& p = by_partition_[record.from.partition];
    const bool waited = record.budget_ == budget::waiting;
    remove(p.count, record);
    remove(total_, record);
    record.budget_ = budget::none;
    if (!waited || stopped_ == 0) return;
    if (p.adds_to_full && p.count.waiting_records == 0) {
        p.adds_to_full = false;
        --stopped_;
    }
    if (stopped_ > 0 && total_.waiting_bytes <= settings_.waiting_bytes - settings_.waiting_bytes / 8)
        reopen();
}

void intake_gate::remove(figures& from, const lane_record& record) const noexcept {
    if (record.budget_ == budget::runnable) {
        --from.runnable_records;
        from.runnable_bytes -= record.bytes;
    } else {
        --from.waiting_records;
        from.waiting_bytes -= record.bytes;
    }
}

void intake_gate::reopen() noexcept {
    for (auto& p : by_partition_)
        p.adds_to_full = false;
    stopped_ = 0;
}

intake_stop intake_gate::why_stopped(std::uint32_t partition) const noexcept {
    if (closed_) return intake_stop::closing;
    static constexpr partition_state nothing{};
    const auto& p = partition < by_partition_.size() ? by_partition_[partition] : nothing;
    for (const auto why : {intake_stop::revoking, intake_stop::failed, intake_stop::window_full})
        if (p.held & bit_of(why)) return why;
    if (p.adds_to_full) return intake_stop::waiting_bytes;
    return runnable_stop(p);
}

intake_stop intake_gate::runnable_stop(const partition_state& p) const noexcept {
    if (total_.runnable_bytes >= settings_.runnable_bytes) return intake_stop::runnable_bytes;
    const bool is_full = total_.runnable_records >= settings_.runnable_records;
    if (!is_full && !is_waiting_full()) return intake_stop::open;
    const std::size_t sharers = std::max<std::size_t>(partitions_, 1);
    const bool has_its_share = p.count.runnable_records * sharers >= settings_.runnable_records ||
                               p.count.runnable_bytes * sharers >= settings_.runnable_bytes;
    if (!has_its_share) return intake_stop::open;
    return is_full ? intake_stop::runnable_records : intake_stop::runnable_share;
}

void intake_gate::hold(std::uint32_t partition, intake_stop why) {
    auto& held = state_of(partition).held;
    held = static_cast<std::uint8_t>(held | bit_of(why));
}

void intake_gate::let_go(std::uint32_t partition, intake_stop why) noexcept {
    if (partition >= by_partition_.size()) return;
    auto& held = by_partition_[partition].held;
    held = static_cast<std::uint8_t>(held & ~bit_of(why));
}

intake_gate::figures intake_gate::of(std::uint32_t partition) const noexcept {
    return partition < by_partition_.size() ? by_partition_[partition].count : figures();
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// How runs become batches.
#include <corvid/consume/detail/dispatcher.hpp>

#include <algorithm>

namespace corvid {

std::size_t dispatcher::longest_run() const noexcept {
    return batches_ ? std::max(run::most, batches_->limits().max) : run::most;
}

std::optional<steady_time> dispatcher::next_due() const noexcept {
    std::optional<steady_time> first = schedule_.next_due();
    for (const auto& each : {batches_ ? batches_->due() : std::nullopt, held_until_})
        if (each && (!first || *each < *first)) first = each;
    return first;
}

bool dispatcher::is_batch_due() const noexcept {
    if (lanes_.ready_records() == 0) return false;
    const batch_limits& full = batches_->limits();
    return lanes_.ready_records() >= full.max ||
           gate_.total().runnable_bytes >= full.bytes + batches_->bytes_at_work() ||
           batches_->is_late(loop_.steady_now());
}

void dispatcher::start_batches() {
    batches_->hurry(std::ranges::any_of(draining_, [](const tenancy* each) { return !each->is_drained(); }));
    batches_->note_ready(lanes_.ready_records(), loop_.steady_now());
    while (batches_->has_room() && is_batch_due()) {
        const bool begun = begin_batch();
        batches_->note_ready(lanes_.ready_records(), loop_.steady_now());
        if (!begun) return;
    }
}

// Of the first ready lane, what fits.
lane_run dispatcher::take_for_batch(std::size_t records, std::size_t bytes) {
    lane_run chosen = lanes_.take(lanes_.ordering() == unordered ? 1 : records);
    std::size_t fit = 0, sum = 0;
    for (const lane_record* each = chosen.first; fit < chosen.count && sum < bytes; each = each->next())
        sum += each->bytes, ++fit;
    if (fit < chosen.count) {
        lanes_.narrow(*chosen.of, fit);
        chosen.count = fit;
    }
    return chosen;
}

// False: nothing was there that may be begun.
bool dispatcher::begin_batch() {
    const batch_limits& full = batches_->limits();
    const double random = owner_.random01();
    std::vector<work_run*> runs;
    std::size_t records = 0, bytes = 0;
    while (records < full.max && bytes < full.bytes) {
        const lane_run chosen = take_for_batch(full.max - records, full.bytes - bytes);
        if (chosen.empty()) break;
        work_run* const fresh = prepare(chosen);
        if (!fresh) continue;
        const lane_record* last = chosen.first;
        const std::size_t count = fresh->size(); // less than chosen, where a key of it is dead
        for (std::size_t i = 0; i < count; ++i) {
            bytes += last->bytes;
            if (i + 1 < count) last = last->next();
        }
        records += count;
        fresh->last = last->offset;
        fresh->random = random;
        if (!runs.empty()) runs.back()->put_beside(*fresh);
        runs.push_back(fresh);
    }
    if (runs.empty()) return false;
    const std::size_t slot = batches_->begin(runs.size(), bytes, loop_.steady_now());
    for (work_run* const each : runs) {
        each->slot = slot;
        each->share = records;
    }
    start(*runs.front());
    return true;
}

} // namespace corvid

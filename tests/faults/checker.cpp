// SPDX-License-Identifier: Apache-2.0
#include "checker.hpp"

#include <algorithm>

namespace corvid::faults {
namespace {

constexpr std::size_t most_examples = 10;

std::string place(std::int32_t partition, std::int64_t offset) {
    return "[" + std::to_string(partition) + "]@" + std::to_string(offset);
}

void note_in(findings& into, std::uint64_t& counter, std::string example) {
    ++counter;
    if (into.examples.size() < most_examples) into.examples.push_back(std::move(example));
}

} // namespace

std::string findings::text() const {
    std::string all = "lost " + std::to_string(lost) + ", below the commit " + std::to_string(below_commit) +
                      ", committed ahead " + std::to_string(ahead_of_work) + ", out of order " +
                      std::to_string(out_of_order) + ", misplaced " + std::to_string(misplaced) +
                      ", phantom " + std::to_string(phantom);
    for (const std::string& one : examples)
        all += "\n  " + one;
    return all;
}

void checker::note(std::uint64_t& counter, std::string example) {
    note_in(found_, counter, std::move(example));
}

void checker::life_begins() {
    for (auto& [number, partition] : partitions_)
        partition.fresh = true;
}

void checker::saw(const processed& record) {
    auto& partition = partitions_[record.partition];
    ++found_.processed;
    if (record.offset <= partition.highest) ++found_.redelivered;
    if (record.offset < partition.floor)
        note(found_.below_commit, place(record.partition, record.offset) + " again, though " +
                                      std::to_string(partition.floor) + " was committed");
    const bool follows = record.offset == partition.last + 1;
    const bool returns = (partition.fresh || returns_) && record.offset <= partition.highest + 1;
    if (!follows && !returns)
        note(found_.out_of_order,
             place(record.partition, record.offset) + " behind " + std::to_string(partition.last));
    partition.fresh = false;
    partition.last = record.offset;
    partition.highest = std::max(partition.highest, record.offset);
    places_[record.id] = record;
}

void checker::saw(const committed& at) {
    auto& partition = partitions_[at.partition];
    partition.floor = std::max(partition.floor, at.next);
    if (at.next > partition.highest + 1)
        note(found_.ahead_of_work, place(at.partition, at.next) + " is committed, processed is up to " +
                                       std::to_string(partition.highest));
}

findings checker::conclude(const std::map<std::uint64_t, fate>& sent) const {
    findings all = found_;
    for (const auto& [id, told] : sent) {
        const auto seen = places_.find(id);
        const bool was_processed = seen != places_.end();
        const std::string who = "record " + std::to_string(id) + " ";
        if (told.is == fate::state::not_persisted && was_processed)
            note_in(all, all.phantom, who + "was said not to be written");
        if (told.is != fate::state::acknowledged) continue;
        if (!was_processed)
            note_in(all, all.lost,
                    who + place(told.partition, told.offset) + " was acknowledged, never processed");
        else if (seen->second.partition != told.partition || seen->second.offset != told.offset)
            note_in(all, all.misplaced,
                    who + "is at " + place(seen->second.partition, seen->second.offset) +
                        ", acknowledged at " + place(told.partition, told.offset));
    }
    return all;
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
#include "checker.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace corvid::faults {
namespace {

constexpr std::size_t most_examples = 10;
constexpr std::int64_t never = INT64_MAX;
constexpr std::int64_t standstill = 1'000'000'000; // longer than between two records under load

std::string place(std::int32_t partition, std::int64_t offset) {
    return "[" + std::to_string(partition) + "]@" + std::to_string(offset);
}

std::string name_of(const effect& e) {
    return "key " + std::to_string(e.key) + " seq " + std::to_string(e.seq) + " " +
           place(e.partition, e.offset) + " in process " + std::to_string(e.pid);
}

double seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

class judgement {
public:
    explicit judgement(const history& of) : of_(of) {}

    findings all() {
        index();
        compare_with_sent();
        for (auto& [key, its] : by_key_)
            order_of(its);
        std::map<std::int32_t, std::int64_t> floors;
        for (const commit_sample& sample : of_.samples)
            for (const committed& one : sample.commits)
                check_commit(floors[one.partition], one, sample.answered);
        check_returns();
        measure();
        return std::move(found_);
    }

private:
    void note(std::uint64_t& counter, const std::string& example) {
        ++counter;
        if (found_.examples.size() < most_examples) found_.examples.push_back(example);
    }

    void index() {
        found_.handled = of_.effects.size();
        for (const effect& e : of_.effects) {
            const auto [entry, fresh] = by_id_.try_emplace(e.id, &e);
            found_.duplicates += !fresh;
            if (!fresh && e.t1 < entry->second->t1) entry->second = &e;
            by_key_[e.key].push_back(&e);
            auto& done = done_[e.partition];
            const auto at = static_cast<std::size_t>(e.offset);
            if (done.size() <= at) done.resize(at + 1, never);
            done[at] = std::min(done[at], e.t1);
        }
    }

    void compare_with_sent() {
        for (const fate& told : of_.sent) {
            const auto seen = by_id_.find(told.id);
            const std::string who = "record " + std::to_string(told.id) + " ";
            told_.insert(told.id);
            if (told.is == fate::state::not_persisted && !told.sent_again && seen != by_id_.end())
                note(found_.phantom, who + "was said not to be written");
            if (told.is != fate::state::acknowledged || told.sent_again) uncertain_.insert(told.id);
            if (told.sent_again) sent_again_.insert(told.id);
            if (told.is != fate::state::acknowledged) continue;
            if (seen == by_id_.end()) {
                if (!of_.given_up.contains({told.partition, told.offset}))
                    note(found_.lost,
                         who + place(told.partition, told.offset) + " was acknowledged, never handled");
            } else if (!told.sent_again &&
                       (seen->second->partition != told.partition || seen->second->offset != told.offset)) {
                note(found_.misplaced, who + "is at " + place(seen->second->partition, seen->second->offset) +
                                           ", acknowledged at " + place(told.partition, told.offset));
            }
        }
    }

    void order_of(std::vector<const effect*>& of_key) {
        std::ranges::sort(of_key, {}, &effect::t1);
        std::int64_t highest = -1;
        const effect* last = nullptr;
        std::map<std::int32_t, std::int64_t> ends; // of each process
        for (const effect* e : of_key) {
            const bool is_first = by_id_.at(e->id) == e;
            const bool is_copy = by_id_.at(e->id)->offset != e->offset;
            const bool same_assignment = last && last->pid == e->pid && last->epoch == e->epoch;
            const bool is_certain = told_.contains(e->id) && !uncertain_.contains(e->id);
            if (is_first && is_certain && e->seq < highest)
                note(found_.reorder, name_of(*e) + " behind seq " + std::to_string(highest));
            else if (is_copy && told_.contains(e->id) && !sent_again_.contains(e->id))
                note(found_.misplaced, name_of(*e) + " is there twice");
            else if (!is_first && !is_copy && same_assignment && e->seq <= last->seq &&
                     !sent_again_.contains(e->id))
                note(found_.reorder, name_of(*e) + " again behind seq " + std::to_string(last->seq));
            if (is_certain) highest = std::max<std::int64_t>(highest, e->seq);
            last = e;
            for (const auto& [pid, end] : ends)
                if (e->t0 < end)
                    note(pid == e->pid ? found_.overlap : found_.overlap_between,
                         name_of(*e) + " while process " + std::to_string(pid) + " had its key");
            ends[e->pid] = std::max(ends[e->pid], e->t1);
        }
    }

    void check_commit(std::int64_t& floor, const committed& at, std::int64_t seen) {
        if (at.next < floor)
            note(found_.rewind, place(at.partition, at.next) + " is committed, was " + std::to_string(floor));
        const auto& done = done_[at.partition];
        for (std::int64_t i = floor; i < at.next; ++i) {
            const bool in_time =
                static_cast<std::size_t>(i) < done.size() && done[static_cast<std::size_t>(i)] <= seen;
            if (!in_time && !of_.given_up.contains({at.partition, i}))
                note(found_.ahead_of_work,
                     place(at.partition, at.next) + " is committed, not handled is " + std::to_string(i));
        }
        floor = std::max(floor, at.next);
    }

    void check_returns() {
        std::map<std::int32_t, std::vector<std::pair<std::int64_t, std::int64_t>>>
            floors; // answered, highest
        for (const commit_sample& sample : of_.samples)
            for (const committed& one : sample.commits) {
                auto& its = floors[one.partition];
                its.emplace_back(sample.answered,
                                 its.empty() ? one.next : std::max(its.back().second, one.next));
            }
        for (const effect& e : of_.effects) {
            const auto& its = floors[e.partition];
            const auto after = std::ranges::lower_bound(its, std::pair(e.t0, std::int64_t{0}));
            if (after != its.begin() && std::prev(after)->second > e.offset)
                note(found_.below_commit,
                     name_of(e) + ", though " + std::to_string(std::prev(after)->second) + " was committed");
        }
    }

    void measure() {
        std::map<std::int32_t, std::vector<std::int64_t>> ends;
        for (const effect& e : of_.effects)
            ends[e.partition].push_back(e.t1);
        std::vector<std::int64_t> recovered(of_.faults.size(), 0);
        for (auto& [partition, times] : ends) {
            std::ranges::sort(times);
            for (std::size_t i = 1; i < times.size() && times[i - 1] < of_.load_ended; ++i)
                found_.max_stall_s = std::max(found_.max_stall_s, seconds(times[i] - times[i - 1]));
            for (std::size_t i = 0; i < of_.faults.size(); ++i) {
                const std::int64_t until = i + 1 < of_.faults.size() ? of_.faults[i + 1] : of_.load_ended;
                recovered[i] = std::max(recovered[i], recovery_of(times, of_.faults[i], until));
            }
        }
        for (const std::int64_t one : recovered)
            found_.recoveries_s.push_back(seconds(one));
        std::ranges::sort(found_.recoveries_s);
    }

    /// From the fault until the next record was handled, or until the end of the last standstill behind it.
    static std::int64_t recovery_of(const std::vector<std::int64_t>& times, std::int64_t fault,
                                    std::int64_t until) {
        auto next = std::ranges::upper_bound(times, fault);
        if (next == times.end()) return 0;
        std::int64_t end = *next;
        for (++next; next != times.end() && *std::prev(next) < until; ++next)
            if (*next - *std::prev(next) > standstill) end = *next;
        return end - fault;
    }

    const history& of_;
    findings found_;
    std::unordered_map<std::uint64_t, const effect*> by_id_; // the first time
    std::unordered_set<std::uint64_t> told_;                 // of these a sender told
    std::unordered_set<std::uint64_t> uncertain_;            // may be there, and at any later place
    std::unordered_set<std::uint64_t> sent_again_;           // may be there twice
    std::unordered_map<std::uint32_t, std::vector<const effect*>> by_key_;
    std::map<std::int32_t, std::vector<std::int64_t>> done_; // by partition and offset: when first
};

} // namespace

double findings::recovery_s(double share) const {
    if (recoveries_s.empty()) return 0;
    const auto last = static_cast<double>(recoveries_s.size() - 1);
    return recoveries_s[static_cast<std::size_t>(std::lround(share * last))];
}

bool findings::green(const allowance& excused) const {
    const std::uint64_t excusable = excused.zombies ? 0 : overlap_between + below_commit;
    return lost + reorder + overlap + rewind + ahead_of_work + misplaced + phantom + excusable == 0 &&
           duplicates <= excused.duplicates;
}

std::string findings::text() const {
    std::ostringstream all;
    all << "lost " << lost << ", duplicates " << duplicates << ", reorder " << reorder << ", overlap "
        << overlap << ", between processes " << overlap_between << ", rewind " << rewind << ", ahead of work "
        << ahead_of_work << ", below the commit " << below_commit << ", misplaced " << misplaced
        << ", phantom " << phantom;
    for (const std::string& one : examples)
        all << "\n  " << one;
    return all.str();
}

findings judge(const history& of) { return judgement(of).all(); }

} // namespace corvid::faults

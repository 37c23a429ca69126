// SPDX-License-Identifier: Apache-2.0
//
// What happened in one run of a world built from lanes/, and the checkers that judge it. A checker answers
// what is wrong, or nothing. They know nothing of how lanes/ works: only what was delivered, run, finished
// and committed. Tests only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace corvid::lanes_test {

struct event {
    enum class kind : std::uint8_t {
        ready,     ///< the lane may run; `value` lanes were ready before it
        taken,     ///< the lane goes to work
        started,   ///< a handler begins with the record
        ended,     ///< and is out of it
        done,      ///< the record is done
        parked,    ///< the record is durably elsewhere
        committed, ///< everything of the partition before `offset`
        revoked,   ///< what waited of the partition is dropped
        stale,     ///< a mark of a revoked epoch moved the frontier by `value`
    };
    kind what;
    int partition = 0;
    int lane = 0;
    std::int64_t offset = 0;
    std::int64_t value = 0;
};

struct logged {
    std::int64_t offset;
    int lane;
};

struct history {
    std::vector<std::vector<logged>> log; ///< of each partition
    std::vector<event> events;
    bool drained = false; ///< nothing is left to do

    void add(event e) { events.push_back(e); }
};

using verdict_text = std::optional<std::string>;

inline std::string place(const event& e) {
    return " (partition " + std::to_string(e.partition) + ", offset " + std::to_string(e.offset) + ", lane " +
           std::to_string(e.lane) + ")";
}

/// Which records are finished so far.
class finished_records {
public:
    void take(const event& e) {
        if (e.what == event::kind::done || e.what == event::kind::parked)
            finished_.insert({e.partition, e.offset});
    }
    [[nodiscard]] bool has(int partition, std::int64_t offset) const {
        return finished_.contains({partition, offset});
    }

private:
    std::set<std::pair<int, std::int64_t>> finished_;
};

inline verdict_text committed_past_unfinished(const history& h) {
    finished_records finished;
    for (const event& e : h.events) {
        finished.take(e);
        if (e.what != event::kind::committed) continue;
        for (const logged& r : h.log[static_cast<std::size_t>(e.partition)])
            if (r.offset < e.offset && !finished.has(e.partition, r.offset))
                return "committed past " + std::to_string(r.offset) + place(e);
    }
    return {};
}

inline verdict_text lane_ran_twice_at_once(const history& h) {
    std::map<int, int> running;
    for (const event& e : h.events) {
        if (e.what == event::kind::started && ++running[e.lane] > 1) return "ran beside itself" + place(e);
        if (e.what == event::kind::ended) --running[e.lane];
    }
    return {};
}

/// A record starts only when all before it of its lane are finished, in this life of the partition or before.
inline verdict_text overtook(const history& h) {
    finished_records finished;
    for (const event& e : h.events) {
        finished.take(e);
        if (e.what != event::kind::started) continue;
        for (const logged& r : h.log[static_cast<std::size_t>(e.partition)])
            if (r.lane == e.lane && r.offset < e.offset && !finished.has(e.partition, r.offset))
                return "overtook " + std::to_string(r.offset) + place(e);
    }
    return {};
}

inline verdict_text left_unfinished(const history& h) {
    finished_records finished;
    for (const event& e : h.events)
        finished.take(e);
    if (!h.drained) return "does not come to an end";
    for (std::size_t p = 0; p < h.log.size(); ++p)
        for (const logged& r : h.log[p])
            if (!finished.has(static_cast<int>(p), r.offset))
                return "never finished: partition " + std::to_string(p) + ", offset " +
                       std::to_string(r.offset);
    return {};
}

inline verdict_text revoked_epoch_changed_something(const history& h) {
    for (const event& e : h.events)
        if (e.what == event::kind::stale && e.value != 0) return "a stale mark moved the frontier" + place(e);
    return {};
}

/// A ready lane goes to work after at most as many others as were ready before it.
inline verdict_text starved(const history& h) {
    std::map<int, std::int64_t> ahead;
    for (const event& e : h.events) {
        if (e.what == event::kind::ready) ahead[e.lane] = e.value;
        if (e.what == event::kind::revoked)
            for (const logged& r : h.log[static_cast<std::size_t>(e.partition)])
                ahead.erase(r.lane);
        if (e.what != event::kind::taken) continue;
        ahead.erase(e.lane);
        for (auto& [lane, left] : ahead)
            if (--left < 0) return "lane " + std::to_string(lane) + " was passed by" + place(e);
    }
    return {};
}

} // namespace corvid::lanes_test

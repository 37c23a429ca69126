// SPDX-License-Identifier: Apache-2.0
//
// bisection: which records to write together when a transaction of many was refused. Pure: what became of a
// range comes in, the next range comes out, always from the front, so that effects apply in order.
//
// A refused range is split: where the database named the statement, before and behind its record; else in
// halves. A record is found guilty only when it was refused alone, after all before it were committed; so
// none suffers for its neighbours, whatever they did to one another.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace corvid::inbox_detail {

class bisection {
public:
    struct range {
        std::size_t first;
        std::size_t last; ///< not included
        [[nodiscard]] std::size_t size() const noexcept { return last - first; }
        friend bool operator==(const range&, const range&) = default;
    };

    explicit bisection(std::size_t records) {
        if (records > 0) open_.push_back({0, records});
    }

    /// The range to write next; none: all is settled.
    [[nodiscard]] std::optional<range> next() const {
        if (open_.empty()) return std::nullopt;
        return open_.back();
    }
    /// next() is committed.
    void committed() noexcept { open_.pop_back(); }
    /// next() was refused; by a statement of record `culprit`, where that is known. True if that was one
    /// record alone: it is guilty, and done with.
    bool refused(std::optional<std::size_t> culprit);

private:
    void push(std::size_t first, std::size_t last) {
        if (first < last) open_.push_back({first, last});
    }
    std::vector<range> open_; // the next one at the back
};

} // namespace corvid::inbox_detail

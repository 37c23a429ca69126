// SPDX-License-Identifier: Apache-2.0
//
// journal: what happens in a world, event by event: the trace, the history, who is at work on what, and the
// crashes that wait for their moment. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/base/simulation.hpp>
#include <corvid/testing/history.hpp>
#include <corvid/testing/point.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace corvid::testing::detail {

struct planned_crash {
    moment at;
    std::uint64_t left; ///< times that it must come up, this one included
    std::string of, instance;
    std::optional<duration> restart_after;
};

/// What became of a record last, as far as it is not settled.
struct record_state {
    std::string instance;
    int attempt = 1;
    bool at_work = true;
    duration since{};
    std::string why;
};

struct group_view {
    std::set<std::string> topics;
    std::set<topic_partition> given; ///< ever
    std::map<std::pair<topic_partition, std::int64_t>, record_state> open;
};

class journal {
public:
    journal(simulation& time, bool keeps_history)
        : time_(time), random_(time.seed()), keeps_(keeps_history) {}

    [[nodiscard]] duration now() const { return time_.steady_now() - began_; }
    [[nodiscard]] prng& random() noexcept { return random_; }
    void note(const std::string& who, const std::string& what);
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }
    [[nodiscard]] std::string last_lines(std::size_t most) const;

    void plan(const point& at, const std::string& instance, std::optional<duration> restart_after);
    /// The crash that is due, if one is, taken from those that wait.
    [[nodiscard]] std::optional<planned_crash> due(moment now, const std::string& of,
                                                   const std::string& instance);
    [[nodiscard]] const std::vector<planned_crash>& planned() const noexcept { return planned_; }

    void handler_begins(const handled_record& what);
    void handler_ended(handled_record what);
    /// The instance is gone, with all it was at.
    void forget(const std::string& instance);
    void committed(commit_seen what);
    /// Answers the tenancy's number.
    std::uint64_t given(const std::string& instance, const std::string& group, const topic_partition& where);
    void released(std::uint64_t tenancy, bool lost);

    [[nodiscard]] group_view& group(const std::string& name) { return groups_[name]; }
    [[nodiscard]] const std::map<std::string, group_view>& groups() const noexcept { return groups_; }
    [[nodiscard]] const std::vector<handled_record>& handled() const noexcept { return handled_; }
    [[nodiscard]] const std::vector<tenancy_seen>& tenancies() const noexcept { return tenancies_; }
    [[nodiscard]] const std::vector<commit_seen>& commits() const noexcept { return commits_; }
    [[nodiscard]] std::uint64_t commits_counted() const noexcept { return commits_counted_; }

private:
    simulation& time_;
    steady_time began_ = time_.steady_now();
    prng random_;
    bool keeps_;
    std::vector<std::string> lines_;
    std::vector<planned_crash> planned_;
    std::map<std::string, group_view> groups_;
    std::vector<handled_record> handled_;
    std::vector<commit_seen> commits_;
    std::vector<tenancy_seen> tenancies_; // by number
    std::uint64_t commits_counted_ = 0;
};

[[nodiscard]] std::string seconds_of(duration span);

} // namespace corvid::testing::detail

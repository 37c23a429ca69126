// SPDX-License-Identifier: Apache-2.0
//
// The checks of histories, and each of them on a history that is wrong in just its way.
#include <corvid/testing/history_checks_test.hpp>

#include <algorithm>
#include <functional>

namespace corvid::testing {

namespace {

auto in_ms(duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); }

std::string told(const handled_record& r) {
    return to_string(r.where) + '@' + std::to_string(r.offset.value) + " of key " + r.key.value_or("(none)") +
           " in " + r.instance + " (tenancy " + std::to_string(r.tenancy) + ") from " +
           std::to_string(in_ms(r.began)) + " to " + std::to_string(in_ms(r.ended)) + " ms";
}
std::string told(const commit_seen& c) {
    return c.instance + " commits " + to_string(c.where) + " up to " + std::to_string(c.next.value) + " at " +
           std::to_string(in_ms(c.at)) + " ms (tenancy " + std::to_string(c.tenancy) + ')';
}
std::string told(const tenancy_seen& t) {
    return t.instance + "'s " + to_string(t.where) + " (tenancy " + std::to_string(t.number) + ')';
}

using records = std::vector<const handled_record*>;

template <class Lane>
std::map<Lane, records> by_lane(const group_history& of,
                                const std::function<Lane(const handled_record&)>& lane) {
    std::map<Lane, records> lanes;
    for (const handled_record& each : of.handled)
        lanes[lane(each)].push_back(&each);
    for (auto& [name, its] : lanes)
        std::ranges::sort(its, {}, [](const handled_record* one) { return std::pair(one->began, one); });
    return lanes;
}

/// How long the handlers of what was given back had.
duration drained(const tenancy_seen& its, const group_history& of) {
    duration from = its.asked.value_or(*its.over);
    for (const stop_asked& stop : of.stops)
        if (stop.instance == its.instance && its.given <= stop.at) from = std::min(from, stop.at);
    return *its.over - from;
}

std::string overlap(const handled_record& first, const handled_record& second, const group_history& of,
                    duration drain) {
    const tenancy_seen &its = of.tenancies[first.tenancy], &other = of.tenancies[second.tenancy];
    const std::string both = told(first) + " and " + told(second) + " ran at once";
    if (first.instance == second.instance) return both + ", in one instance";
    if (other.lost && *other.over <= second.began) return {}; // it has not heard yet
    if (!its.over || *its.over > second.began) return both + ", and the first still had the partition";
    if (!its.lost && drained(its, of) < drain)
        return both + ", and the first had given the partition back before the drain was over";
    return {};
}

} // namespace

group_history history_of(const world& w, std::string_view topic, std::string_view group) {
    const auto handled = w.handled(group);
    group_history seen{.handled = {handled.begin(), handled.end()},
                       .commits = w.commits(),
                       .tenancies = w.tenancies(),
                       .put_aside = {},
                       .ends = {},
                       .until = w.now()};
    for (const kept_record& each : w.records(topic))
        seen.ends[each.where] = each.offset.value + 1;
    for (const kept_record& each : w.dead_letters(topic, group))
        seen.put_aside.emplace(
            topic_partition{topic_name(topic),
                            partition_id(std::stoi(each.header(wire::dlq_partition).value_or("-1")))},
            std::stoll(each.header(wire::dlq_offset).value_or("-1")));
    return seen;
}

std::string lost_records(const group_history& of) {
    auto final_ones = of.put_aside;
    for (const handled_record& each : of.handled)
        if (each.is_final()) final_ones.emplace(each.where, each.offset.value);
    for (const auto& [where, end] : of.ends)
        for (std::int64_t at = 0; at < end; ++at)
            if (!final_ones.contains({where, at}))
                return to_string(where) + '@' + std::to_string(at) + " is lost";
    return {};
}

std::string order_violations(const group_history& of) {
    using lane = std::pair<std::uint64_t, std::string>;
    for (const auto& [name, its] : by_lane<lane>(
             of, [](const handled_record& r) { return lane{r.tenancy, r.key.value_or(std::string())}; }))
        for (std::size_t i = 1; i < its.size(); ++i) {
            const handled_record &first = *its[i - 1], &second = *its[i];
            const bool again = !first.is_final() && first.offset == second.offset;
            if (!again && second.offset.value <= first.offset.value)
                return told(second) + " began behind " + told(first);
            if (!again && !first.is_final()) return told(second) + " passed " + told(first);
        }
    return {};
}

std::string begins_after_the_end(const group_history& of) {
    for (const handled_record& each : of.handled) {
        const tenancy_seen& its = of.tenancies[each.tenancy];
        if (its.heard && each.began > *its.heard)
            return told(each) + " began in a tenancy that ended at " + std::to_string(in_ms(*its.heard)) +
                   " ms";
    }
    return {};
}

std::string two_at_once(const group_history& of, duration drain) {
    for (const auto& [key, its] :
         by_lane<std::string>(of, [](const handled_record& r) { return r.key.value_or(std::string()); }))
        for (auto second = its.begin(); second != its.end(); ++second)
            for (auto first = its.begin(); first != second; ++first)
                if ((*second)->began < (*first)->ended)
                    if (auto wrong = overlap(**first, **second, of, drain); !wrong.empty()) return wrong;
    return {};
}

std::string wrong_commits(const group_history& of) {
    std::map<std::uint64_t, std::set<std::int64_t>> done; // by tenancy
    std::map<std::uint64_t, std::int64_t> base;
    std::map<topic_partition, std::int64_t> last;
    std::size_t next = 0;
    for (const commit_seen& each : of.commits) {
        for (; next < each.after; ++next)
            if (of.handled[next].is_final())
                done[of.handled[next].tenancy].insert(of.handled[next].offset.value);
        std::int64_t at = base.try_emplace(each.tenancy, last[each.where]).first->second;
        for (; at < each.next.value; ++at)
            if (!done[each.tenancy].contains(at) && !of.put_aside.contains({each.where, at}))
                return told(each) + ", and has not done " + std::to_string(at);
        if (!each.accepted) continue;
        if (each.next.value < last[each.where])
            return told(each) + ", and " + std::to_string(last[each.where]) + " was committed before";
        last[each.where] = each.next.value;
    }
    return {};
}

std::string commits_after_the_end(const group_history& of) {
    for (const commit_seen& each : of.commits)
        if (!each.held) return told(each) + ", which it has no more";
    return {};
}

std::string late_releases(const group_history& of, duration drain, duration grace) {
    for (const tenancy_seen& each : of.tenancies) {
        if (each.lost || !each.asked) continue;
        duration latest = *each.asked + drain;
        for (const stop_asked& stop : of.stops)
            if (stop.instance == each.instance && stop.at <= latest)
                latest = std::max(latest, stop.at + drain + grace);
        if (each.over.value_or(of.until) > latest)
            return told(each) + " was asked for at " + std::to_string(in_ms(*each.asked)) +
                   " ms and given back at " +
                   (each.over ? std::to_string(in_ms(*each.over)) + " ms" : "no time");
    }
    return {};
}

namespace {

const topic_partition where{topic_name("shop.order.placed"), partition_id(0)};

handled_record ran(std::int64_t at, duration from, duration to, std::uint64_t tenancy = 0) {
    return {.instance = tenancy == 0 ? "a" : "b",
            .where = where,
            .offset = offset(at),
            .key = "k",
            .why = {},
            .began = from,
            .ended = to,
            .tenancy = tenancy};
}
commit_seen says(std::int64_t next, std::size_t after, std::uint64_t tenancy = 0) {
    return {.instance = tenancy == 0 ? "a" : "b",
            .where = where,
            .next = offset(next),
            .accepted = true,
            .at = {},
            .tenancy = tenancy,
            .held = true,
            .after = after};
}

/// `a` does two records and gives back in 3 s, `b` does the third.
group_history good() {
    return {
        .handled = {ran(0, 0s, 1s), ran(1, 1s, 4s), ran(2, 6s, 7s, 1)},
        .commits = {says(0, 0), says(1, 1), says(2, 2), says(2, 2, 1), says(3, 3, 1)},
        .tenancies = {{.number = 0, .instance = "a", .where = where, .asked = 2s, .over = 5s, .heard = 5s},
                      {.number = 1, .instance = "b", .where = where, .given = 5s, .asked = {}, .heard = {}}},
        .put_aside = {},
        .ends = {{where, 3}},
        .until = 1h};
}

std::string first_complaint(const group_history& of) {
    for (const std::string& each :
         {lost_records(of), order_violations(of), begins_after_the_end(of), two_at_once(of, 5s),
          wrong_commits(of), commits_after_the_end(of), late_releases(of, 5s, 1s)})
        if (!each.empty()) return each;
    return {};
}

TEST(history_checks, find_nothing_where_nothing_is_wrong) { EXPECT_EQ(first_complaint(good()), ""); }

TEST(history_checks, find_what_is_lost_and_count_dead_letters_as_kept) {
    group_history of = good();
    of.ends[where] = 4;
    EXPECT_THAT(lost_records(of), ::testing::HasSubstr("@3 is lost"));
    of.put_aside.emplace(where, 3);
    EXPECT_EQ(lost_records(of), "");
}

TEST(history_checks, find_a_record_that_passed_another_of_its_key) {
    group_history of = good();
    std::swap(of.handled[0].offset, of.handled[1].offset);
    EXPECT_THAT(order_violations(of), ::testing::HasSubstr("began behind"));
    of = good();
    of.handled[0].what = verdict::retry;
    EXPECT_THAT(order_violations(of), ::testing::HasSubstr("passed"));
}

TEST(history_checks, find_two_at_once_where_neither_loss_nor_drain_excuses_it) {
    group_history of = good();
    of.handled[1].began = 500ms;
    EXPECT_THAT(two_at_once(of, 5s), ::testing::HasSubstr("in one instance"));
    of = good();
    of.handled[1].ended = 10s;
    EXPECT_THAT(two_at_once(of, 5s), ::testing::HasSubstr("before the drain was over"));
    EXPECT_EQ(two_at_once(of, 3s), "");
    of.stops = {{.instance = "a", .at = 0s}};
    EXPECT_EQ(two_at_once(of, 5s), "") << "the drain of a stop begins earlier";
    of.stops.clear();
    of.tenancies[0].lost = true;
    EXPECT_EQ(two_at_once(of, 5s), "");
    of.tenancies[0].over.reset();
    EXPECT_THAT(two_at_once(of, 5s), ::testing::HasSubstr("still had the partition"));
}

TEST(history_checks, find_a_record_that_began_after_the_end) {
    group_history of = good();
    of.handled[2].tenancy = 0;
    EXPECT_THAT(begins_after_the_end(of), ::testing::HasSubstr("a tenancy that ended at 5000 ms"));
}

TEST(history_checks, find_a_commit_past_what_its_tenancy_did_and_one_that_moves_back) {
    group_history of = good();
    of.commits[1].after = 0;
    EXPECT_THAT(wrong_commits(of), ::testing::HasSubstr("has not done 0"));
    of = good();
    of.handled[2].tenancy = 0;
    EXPECT_THAT(wrong_commits(of), ::testing::HasSubstr("has not done 2"));
    of = good();
    of.commits[3].next = offset(1);
    EXPECT_THAT(wrong_commits(of), ::testing::HasSubstr("2 was committed before"));
}

TEST(history_checks, find_a_commit_of_what_is_gone_and_a_release_that_is_late) {
    group_history of = good();
    of.commits[2].held = false;
    EXPECT_THAT(commits_after_the_end(of), ::testing::HasSubstr("which it has no more"));
    of = good();
    of.tenancies[0].over = 7500ms;
    EXPECT_THAT(late_releases(of, 5s, 1s), ::testing::HasSubstr("given back at 7500"));
    of.stops = {{.instance = "a", .at = 3s}};
    EXPECT_EQ(late_releases(of, 5s, 1s), "");
    of.tenancies[0].over.reset();
    EXPECT_THAT(late_releases(of, 5s, 1s), ::testing::HasSubstr("no time"));
}

} // namespace
} // namespace corvid::testing

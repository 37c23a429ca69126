// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <algorithm>

namespace corvid::conformance {

namespace {

template <class T>
std::optional<errc> code(const result<T>& answer) {
    return answer ? std::nullopt : std::optional(answer.error().code());
}

} // namespace

TEST_P(conformance, a_topic_that_exists_is_not_created_again) {
    const topic_name topic = make_topic(1);
    EXPECT_EQ(code(open_admin()->create_topic({.name = topic}, 30s)), errc::topic_exists);
}

TEST_P(conformance, a_topic_is_described_as_it_was_created) {
    const topic_name topic = make_topic(3, {{"cleanup.policy", "compact"}});
    const auto info = open_admin()->describe_topic(topic, 30s);
    ASSERT_TRUE(info) << info.error().describe();
    EXPECT_EQ(info->name, topic);
    EXPECT_EQ(info->partitions, 3);
    EXPECT_EQ(info->replication, 1);
}

TEST_P(conformance, a_config_that_makes_no_sense_is_refused) {
    const broker::topic_spec spec{.name = topic_name(fresh("conformance.refused")),
                                  .config = {{"cleanup.policy", "nonsense"}}};
    EXPECT_EQ(code(open_admin()->create_topic(spec, 30s)), errc::broker_refused);
    EXPECT_EQ(code(open_admin()->describe_topic(spec.name, 30s)), errc::unknown_topic);
}

TEST_P(conformance, topics_are_listed) {
    const topic_name first = make_topic(1);
    const topic_name second = make_topic(2);
    const auto all = open_admin()->list_topics(30s);
    ASSERT_TRUE(all) << all.error().describe();
    for (const topic_name& one : {first, second})
        EXPECT_EQ(std::ranges::count(*all, one, &broker::topic_info::name), 1) << one.str();
}

TEST_P(conformance, a_deleted_topic_is_gone) {
    const topic_name topic = make_topic(1);
    const auto admin = open_admin();
    const auto deleted = admin->delete_topic(topic, 30s);
    ASSERT_TRUE(deleted) << deleted.error().describe();
    EXPECT_TRUE(
        eventually(under(), [&] { return code(admin->describe_topic(topic, 30s)) == errc::unknown_topic; }));
    EXPECT_EQ(code(admin->delete_topic(topic, 30s)), errc::unknown_topic);
}

TEST_P(conformance, the_range_of_a_log_grows_with_its_records) {
    const topic_name topic = make_topic(2);
    const auto admin = open_admin();
    const auto empty = admin->range_of(at(topic, 1), 30s);
    ASSERT_TRUE(empty) << empty.error().describe();
    EXPECT_EQ(empty->begin, offset(0));
    EXPECT_EQ(empty->end, offset(0));
    open_producer()->deliver_numbers(at(topic, 1), 0, 7);
    const auto grown = admin->range_of(at(topic, 1), 30s);
    ASSERT_TRUE(grown) << grown.error().describe();
    EXPECT_EQ(grown->begin, offset(0));
    EXPECT_EQ(grown->end, offset(7));
}

TEST_P(conformance, what_does_not_exist_is_answered_as_such) {
    const topic_name topic = make_topic(2);
    const topic_name missing(fresh("conformance.missing"));
    const auto admin = open_admin();
    EXPECT_EQ(code(admin->describe_topic(missing, 30s)), errc::unknown_topic);
    EXPECT_EQ(code(admin->delete_topic(missing, 30s)), errc::unknown_topic);
    EXPECT_EQ(code(admin->range_of(at(missing, 0), 30s)), errc::unknown_topic);
    EXPECT_EQ(code(admin->range_of(at(topic, 2), 30s)), errc::unknown_partition);
}

} // namespace corvid::conformance

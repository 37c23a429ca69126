// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

namespace corvid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

listed<published<order_placed>> orders(std::initializer_list<std::pair<const char*, int>> of) {
    listed<published<order_placed>> all;
    all.seed = 17;
    std::int64_t at = 0;
    for (const auto& [customer, n] : of) {
        published<order_placed> one{{{.offset = offset(at++),
                                      .timestamp = {},
                                      .key = customer,
                                      .value = customer + std::to_string(n),
                                      .headers = {}},
                                     {topic_name("shop.order.placed"), partition_id(0)}},
                                    {}};
        one.message = {customer, n};
        all.push_back(one);
    }
    return all;
}

template <class M, class V>
std::string explanation(const M& matcher, const V& value) {
    ::testing::StringMatchResultListener listener;
    EXPECT_FALSE(::testing::SafeMatcherCast<const V&>(matcher).MatchAndExplain(value, &listener));
    return listener.str();
}

TEST(matchers, each_once_finds_what_came_twice_and_names_both_places_and_the_seed) {
    const auto once = orders({{"a", 0}, {"a", 1}, {"b", 0}});
    const auto twice = orders({{"a", 0}, {"b", 0}, {"a", 0}});
    EXPECT_THAT(once, each_once());
    EXPECT_THAT(twice, Not(each_once()));
    const std::string why = explanation(each_once(), twice);
    for (const char* part : {"shop.order.placed[0]@0", "shop.order.placed[0]@2", "world of seed 17"})
        EXPECT_THAT(why, HasSubstr(part));
    EXPECT_THAT(once, Not(each_once(&order_placed::n)));
    EXPECT_THAT(orders({{"a", 0}, {"b", 1}}), each_once(&order_placed::n));
}

TEST(matchers, an_event_id_says_what_is_the_same) {
    auto all = orders({{"a", 0}, {"a", 0}});
    all[0].headers = {{"idempotency_key", "1"}};
    all[1].headers = {{"idempotency_key", "2"}};
    EXPECT_THAT(all, each_once());
    all[1].headers = {{"idempotency_key", "1"}};
    EXPECT_THAT(all, Not(each_once()));
}

TEST(matchers, order_by_key_lets_what_is_delivered_again_come_again_and_nothing_be_passed_over) {
    const auto by_n = in_order_by_key(&order_placed::n);
    EXPECT_THAT(orders({{"a", 0}, {"b", 0}, {"a", 1}, {"b", 1}}), by_n);
    EXPECT_THAT(orders({{"a", 0}, {"a", 1}, {"a", 0}, {"a", 1}, {"a", 2}}), by_n);
    EXPECT_THAT(orders({{"a", 0}, {"a", 2}, {"a", 1}}), Not(by_n));
    EXPECT_THAT(orders({{"b", 0}, {"a", 1}, {"a", 0}}), Not(by_n));
    EXPECT_THAT(explanation(by_n, orders({{"a", 1}, {"a", 0}})), HasSubstr("of key a"));
}

TEST(matchers, order_of_what_was_handled_goes_by_offset) {
    listed<handled_record> all;
    const auto add = [&](const char* key, std::int64_t at) {
        all.push_back({.group = "g",
                       .where = {topic_name("t.o"), partition_id(0)},
                       .offset = offset(at),
                       .key = key,
                       .why = {}});
    };
    add("a", 0);
    add("b", 1);
    add("a", 0);
    add("a", 2);
    EXPECT_THAT(all, in_order_by_key());
    EXPECT_THAT(all, Not(each_once()));
    add("b", 5);
    add("b", 4);
    EXPECT_THAT(all, Not(in_order_by_key()));
}

TEST(matchers, keys_headers_and_dead_letters) {
    world w(1);
    w.start([](corvid::service& s) {
        s.on<order_placed>("picky", [](const order_placed& o) -> outcome {
            if (o.n == 1) return dead_letter("one");
            return done;
        });
    });
    publish_orders(w, 2, 2);
    w.run_until_consumed();
    EXPECT_THAT(w.topic<order_placed>(), contains_key("c1"));
    EXPECT_THAT(w.topic<order_placed>(), Not(contains_key("c2")));
    EXPECT_THAT((order_placed{"c1", 1}), is_dead_lettered(w, "service.picky"));
    EXPECT_THAT((order_placed{"c1", 0}), Not(is_dead_lettered(w, "service.picky")));
    const auto letters = w.dead_letters("shop.order.placed", "service.picky");
    ASSERT_EQ(letters.size(), 2u);
    EXPECT_THAT(letters[0], has_header("corvid-service", "service"));
    EXPECT_THAT(letters[0], Not(has_header("corvid-service", "other")));
}

} // namespace
} // namespace corvid::testing

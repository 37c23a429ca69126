// SPDX-License-Identifier: Apache-2.0
// What handlers of a service record is in the database once an event.
#include "exactly_once_harness.hpp"

namespace corvid::test {
namespace {

TEST_F(exactly_once_on_threads, by_plain_functions) { expect_each_once(books()); }

TEST_F(exactly_once_on_threads, by_coroutines_that_ask_now_and_then) { expect_each_once(asks_and_books()); }

TEST_F(exactly_once_on_threads, an_id_that_is_none_is_a_dead_letter_and_holds_up_nothing) {
    constexpr int all = 200;
    {
        corvid::service service{settings_of_service()};
        service.on<booked>("book", books(), {.exactly_once = in(*db_)});
        for (int n = 0; n < all; ++n) {
            const booked one{.id = std::to_string(n), .account = "a", .n = n * 25};
            EXPECT_TRUE(service.producer().post(one, {.event_id = n % 10 == 3 ? "\xff" + one.id : one.id}));
        }
        service.start();
        (void)until([&] { return marks_of_service() >= all - all / 10; });
        EXPECT_EQ(service.stop(), exit_code::clean);
    }
    EXPECT_EQ(marks_of_service(), all - all / 10);
    EXPECT_EQ(read<std::int64_t>("select count(*) from booking").at(0), all - all / 10);
}

} // namespace
} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
// What handlers of a service record is in the database once an event.
#include "exactly_once_harness.hpp"

namespace corvid::test {
namespace {

TEST_F(exactly_once_on_threads, by_plain_functions) { expect_each_once(books()); }

TEST_F(exactly_once_on_threads, by_coroutines_that_ask_now_and_then) { expect_each_once(asks_and_books()); }

} // namespace
} // namespace corvid::test

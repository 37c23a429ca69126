// SPDX-License-Identifier: Apache-2.0
// What batch handlers of a service record is in the database once an event, or once a record.
#include "batches_harness.hpp"

namespace corvid::test {
namespace {

TEST_F(exactly_once_on_threads, in_batches) {
    expect_each_once_by(subscribing(batches_that_record(book_all), in(*db_), by_key));
}

TEST_F(exactly_once_on_threads, in_batches_that_ask_now_and_then) {
    expect_each_once_by(subscribing(batches_that_ask(book_all, "booking"), in(*db_), by_key));
}

TEST_F(by_offset_on_threads, in_batches) {
    expect_each_once_in_order_of_offset(
        subscribing(batches_that_record(place_all), in(*db_, by_offset), by_partition));
}

TEST_F(by_offset_on_threads, in_batches_that_ask_now_and_then) {
    expect_each_once_in_order_of_offset(
        subscribing(batches_that_ask(place_all, "placed"), in(*db_, by_offset), by_partition));
}

} // namespace
} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
//
// error_map: what librdkafka's codes mean to corvid. The one place that decides it.
#pragma once

#include <corvid/base/error.hpp>
#include <corvid/broker/record_sink.hpp>
#include <corvid/kafka/detail/handles.hpp>

#include <string_view>

namespace corvid::kafka {

struct error_class {
    errc code;
    error_kind kind;
};

/// For what happens to a client, a request or a partition.
[[nodiscard]] error_class classify(rd_kafka_resp_err_t native) noexcept;

/// An error of that class. `text` is librdkafka's own explanation, if it gave one; the code's name is always
/// told.
[[nodiscard]] error make_error(rd_kafka_resp_err_t native, std::string_view text = {},
                               error_details details = {});

/// An error that a client tells of itself; where no broker answers, with the addresses that were tried.
[[nodiscard]] error client_error(rd_kafka_t* client, rd_kafka_resp_err_t native, std::string_view text,
                                 error_details details = {});

/// A line of librdkafka's log, as an error that passes by itself: broker_starting where a cluster that has
/// just come up is asked again, position_reset (with topic and partition) where a partition is not read on
/// from where it was.
[[nodiscard]] error log_line(std::string_view facility, std::string_view text);

/// False for lines that say nothing to an operator (a consumer's property given to a producer), or nothing
/// that an error does not say.
[[nodiscard]] bool worth_telling(std::string_view facility) noexcept;

/// The error that ended the client, as rd_kafka_fatal_error() tells it.
[[nodiscard]] error fatal_error(rd_kafka_t* client, std::string_view text = {});

/// For an offset commit: assignment_lost where another member owns the partition by now, else commit_failed.
[[nodiscard]] error commit_error(rd_kafka_resp_err_t native, error_details details = {});

[[nodiscard]] broker::persistence persistence_of(rd_kafka_msg_status_t status) noexcept;

/// For a record that was not acknowledged. RD_KAFKA_RESP_ERR_NO_ERROR: only one that was sent after it was.
[[nodiscard]] error delivery_error(rd_kafka_resp_err_t native, broker::persistence persisted,
                                   error_details details = {});

} // namespace corvid::kafka

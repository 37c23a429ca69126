// SPDX-License-Identifier: Apache-2.0
//
// Owners for every handle of librdkafka. One topic_partition_list that is not freed makes rd_kafka_destroy()
// hang, so nothing in this folder holds a naked handle. (The client itself: detail/client.hpp.)
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace corvid::kafka {

template <auto Destroy>
struct destroyer {
    template <class T>
    void operator()(T* handle) const noexcept {
        Destroy(handle);
    }
};

template <class T, auto Destroy>
using handle = std::unique_ptr<T, destroyer<Destroy>>;

using conf_handle = handle<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using topic_conf_handle = handle<rd_kafka_topic_conf_t, rd_kafka_topic_conf_destroy>;
using topic_handle = handle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using queue_handle = handle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using event_handle = handle<rd_kafka_event_t, rd_kafka_event_destroy>;
using error_handle = handle<rd_kafka_error_t, rd_kafka_error_destroy>;
using headers_handle = handle<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using partitions_handle = handle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using admin_options_handle = handle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using new_topic_handle = handle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using delete_topic_handle = handle<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;

/// What is owned elsewhere from here on: librdkafka took it, or nobody can end it safely.
template <class T, class D>
void let_go(std::unique_ptr<T, D>& owner) noexcept {
    [[maybe_unused]] T* const theirs = owner.release();
}

struct metadata_destroyer {
    void operator()(const rd_kafka_metadata_t* data) const noexcept { rd_kafka_metadata_destroy(data); }
};
using metadata_handle = std::unique_ptr<const rd_kafka_metadata_t, metadata_destroyer>;

} // namespace corvid::kafka

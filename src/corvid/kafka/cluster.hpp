// SPDX-License-Identifier: Apache-2.0
//
// kafka::cluster: a real Kafka cluster as broker::cluster, on librdkafka's C API (2.0.2 or newer, chosen at
// run time; see versions.hpp). The contracts are those of broker/; what is peculiar to this one stands here.
//
// - Opening checks the settings and the library's version (config_error) and connects to nothing.
// - A client is destroyed on a thread of the cluster's own once nothing of it is held any more, record
// batches included.
//   ~cluster waits for that at most 10 s, and then leaves the rest to the end of the process: librdkafka can
//   hang there.
// - prefetch_records and prefetch_kbytes bound each partition's queue.
#pragma once

#include <corvid/broker/cluster.hpp>

#include <map>
#include <memory>
#include <string>

namespace corvid::kafka {

/// Where the cluster is and how to get in. Any librdkafka property can be given by name, here for every
/// client or with a source or sink for that one, and wins over what corvid would set; what corvid's
/// guarantees rest on (enable.auto.commit, enable.auto.offset.store, partitioner, …) cannot be given another
/// value.
struct connection_settings {
    std::string bootstrap = {}; ///< host:port,host:port; a leading kafka:// is taken off
    std::map<std::string, std::string> properties = {};
    bool allow_unsafe_assignor =
        false; ///< cooperative-sticky on librdkafka below 2.10.0, which loses assignments there
    bool allow_insecure = false;        ///< SASL PLAIN or SCRAM without TLS, TLS without verification
    bool allow_refused_version = false; ///< use a librdkafka that versions.hpp refuses
    bool keep_freed_memory = true;      ///< glibc keeps what fetches free, process-wide (freed_memory.hpp)
};

class closing_thread;

class cluster final : public broker::cluster {
public:
    /// Throws config_error: invalid_setting, unknown_setting, conflicting_settings, version_refused.
    explicit cluster(connection_settings settings);
    ~cluster() override;
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    /// Throws config_error. A group is needed, and a topic or a pattern.
    [[nodiscard]] broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                                            broker::source_listener& listener) override;
    /// Throws config_error.
    [[nodiscard]] std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings,
                                                                 scheduler& delivery,
                                                                 broker::sink_listener& listener) override;
    [[nodiscard]] std::unique_ptr<broker::admin> open_admin() override;
    [[nodiscard]] std::unique_ptr<broker::partition_reader> read(const topic_partition& where,
                                                                 const broker::reader_settings& settings,
                                                                 scheduler& loop,
                                                                 broker::source_listener& listener) override;

private:
    connection_settings settings_;
    std::shared_ptr<closing_thread> closing_;
};

} // namespace corvid::kafka

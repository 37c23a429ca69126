// SPDX-License-Identifier: Apache-2.0
//
// cluster: a Kafka cluster, real or in-process: where sources, sinks and the admin come from. It outlives
// them. Opening checks settings (config_error) and connects to nothing; what is unreachable is reported and
// retried.
#pragma once

#include <corvid/broker/admin.hpp>
#include <corvid/broker/offset_committer.hpp>
#include <corvid/broker/partition_reader.hpp>
#include <corvid/broker/record_sink.hpp>
#include <corvid/broker/record_source.hpp>

#include <memory>

namespace corvid::broker {

/// A source and the committer of the same group member; both end with this object, on the loop.
struct group_member {
    std::unique_ptr<record_source> source;
    offset_committer* offsets = nullptr; ///< owned by the source
};

class cluster {
public:
    virtual ~cluster() = default;
    /// `loop` runs everything of the member; `listener` outlives it. Called on `loop`.
    [[nodiscard]] virtual group_member join(const source_settings& settings, scheduler& loop,
                                            source_listener& listener) = 0;
    /// `delivery` runs the listener; both outlive the sink. Called on `delivery`.
    [[nodiscard]] virtual std::unique_ptr<record_sink> open_sink(const sink_settings& settings,
                                                                 scheduler& delivery,
                                                                 sink_listener& listener) = 0;
    [[nodiscard]] virtual std::unique_ptr<admin> open_admin() = 0;
    /// `loop` runs everything of the reader; `listener` outlives it. Called on `loop`. Null: this cluster
    /// reads in groups alone. Throws config_error.
    [[nodiscard]] virtual std::unique_ptr<partition_reader> read(const topic_partition& /*where*/,
                                                                 const reader_settings& /*settings*/,
                                                                 scheduler& /*loop*/,
                                                                 source_listener& /*listener*/) {
        return nullptr;
    }
};

} // namespace corvid::broker

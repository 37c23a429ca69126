// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/cluster.hpp>

#include <corvid/memory/detail/admin.hpp>
#include <corvid/memory/detail/reader.hpp>
#include <corvid/memory/detail/sink.hpp>
#include <corvid/memory/detail/source.hpp>

namespace corvid::memory {

cluster::cluster(scheduler& clock, cluster_settings settings)
    : core_(std::make_shared<core>(clock, settings.initial_rebalance_delay)), faults_(*core_) {}
cluster::~cluster() = default;

broker::group_member cluster::join(const broker::source_settings& settings, scheduler& loop,
                                   broker::source_listener& listener) {
    auto made = std::make_unique<source>(core_, settings, loop, listener);
    broker::offset_committer* offsets = made.get();
    return {.source = std::move(made), .offsets = offsets};
}

std::unique_ptr<broker::record_sink> cluster::open_sink(const broker::sink_settings& settings,
                                                        scheduler& delivery,
                                                        broker::sink_listener& listener) {
    return std::make_unique<sink>(core_, settings, delivery, listener);
}

std::unique_ptr<broker::partition_reader> cluster::read(const topic_partition& where,
                                                        const broker::reader_settings&, scheduler& loop,
                                                        broker::source_listener& listener) {
    return std::make_unique<reader>(core_, where, loop, listener);
}

std::unique_ptr<broker::admin> cluster::open_admin() { return std::make_unique<admin>(core_); }

} // namespace corvid::memory

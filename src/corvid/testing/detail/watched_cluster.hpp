// SPDX-License-Identifier: Apache-2.0
//
// watched_cluster: the broker as one instance sees it: the world's, with the journal looking on, and gone
// when the instance dies. Internal.
#pragma once

#include <corvid/testing/detail/instance.hpp>

namespace corvid::testing::detail {

class watched_cluster final : public broker::cluster {
public:
    explicit watched_cluster(instance& of) noexcept : of_(of) {}

    [[nodiscard]] broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                                            broker::source_listener& listener) override;
    [[nodiscard]] std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings,
                                                                 scheduler& delivery,
                                                                 broker::sink_listener& listener) override;
    [[nodiscard]] std::unique_ptr<broker::admin> open_admin() override;
    [[nodiscard]] std::unique_ptr<broker::partition_reader> read(const topic_partition& where,
                                                                 const broker::reader_settings& settings,
                                                                 scheduler& loop,
                                                                 broker::source_listener& listener) override;

private:
    instance& of_;
};

} // namespace corvid::testing::detail

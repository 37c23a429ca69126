// SPDX-License-Identifier: Apache-2.0
//
// admin of the in-process cluster: answers at once, whatever the timeout.
#pragma once

#include <corvid/memory/detail/core.hpp>

#include <memory>

namespace corvid::memory {

class admin final : public broker::admin {
public:
    explicit admin(std::shared_ptr<core> of) noexcept : core_(std::move(of)) {}

    result<void> create_topic(const broker::topic_spec& spec, std::chrono::milliseconds timeout) override;
    result<void> delete_topic(const topic_name& name, std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<broker::topic_info> describe_topic(const topic_name& name,
                                                            std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<std::vector<broker::topic_info>> list_topics(
        std::chrono::milliseconds timeout) override;
    [[nodiscard]] result<broker::log_range> range_of(const topic_partition& where,
                                                     std::chrono::milliseconds timeout) override;

private:
    std::shared_ptr<core> core_;
};

} // namespace corvid::memory

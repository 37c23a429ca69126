// SPDX-License-Identifier: Apache-2.0
//
// sink: a producer of the in-process cluster; the outbox does its work.
#pragma once

#include <corvid/memory/detail/core.hpp>

#include <map>
#include <memory>
#include <mutex>

namespace corvid::memory {

class sink final : public broker::record_sink {
public:
    sink(std::shared_ptr<core> of, const broker::sink_settings& settings, scheduler& delivery,
         broker::sink_listener& listener);
    ~sink() override;

    [[nodiscard]] result<broker::sink_topic*> topic(const topic_name& name) override;
    [[nodiscard]] result<void> send(const broker::outgoing& record) noexcept override;
    void hurry() noexcept override {}
    void purge() noexcept override;
    [[nodiscard]] std::size_t unreported() const noexcept override { return box_->unreported(); }
    result<void> close(std::chrono::milliseconds patience) override;

private:
    std::shared_ptr<core> core_;
    std::shared_ptr<outbox> box_;
    std::mutex mutex_;
    std::map<topic_name, std::unique_ptr<outbox_topic>> topics_;
    bool closed_ = false;
};

} // namespace corvid::memory

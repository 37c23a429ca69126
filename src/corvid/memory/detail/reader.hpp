// SPDX-License-Identifier: Apache-2.0
//
// reader: broker::partition_reader of the in-process cluster.
#pragma once

#include <corvid/broker/partition_reader.hpp>
#include <corvid/memory/detail/core.hpp>

#include <memory>

namespace corvid::memory {

class reader final : public broker::partition_reader, private log_reader {
public:
    reader(std::shared_ptr<core> of, topic_partition where, scheduler& loop,
           broker::source_listener& listener);
    ~reader() override;

    [[nodiscard]] record_batch take(std::size_t most) override;
    [[nodiscard]] bool is_at_end() const override { return at_end_; }
    [[nodiscard]] std::optional<error> take_trouble() override;

private:
    void records_wait() noexcept override { box_->wake(); }
    [[nodiscard]] partition_log* open();

    std::shared_ptr<core> core_;
    topic_partition where_;
    std::shared_ptr<inbox> box_;
    std::shared_ptr<topic> topic_; // none: it was not there yet
    log_cursor cursor_;
    std::int64_t end_ = 0; // of the log when it was opened
    bool at_end_ = false;
    bool told_ = false;
};

} // namespace corvid::memory

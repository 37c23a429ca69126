// SPDX-License-Identifier: Apache-2.0
//
// source: a member of a group of the in-process cluster, and its committer. On its loop, all of it; other
// threads reach it through its inbox alone.
#pragma once

#include <corvid/memory/detail/core.hpp>

#include <memory>
#include <vector>

namespace corvid::memory {

class source final : public broker::record_source, public broker::offset_committer {
public:
    source(std::shared_ptr<core> of, const broker::source_settings& settings, scheduler& loop,
           broker::source_listener& listener);
    ~source() override;

    [[nodiscard]] std::optional<broker::source_event> next_event() override;
    void accept(std::span<const broker::start_at> partitions) override;
    void release() override;
    [[nodiscard]] record_batch take(broker::slot from, std::size_t most) override;
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override;
    void close() override;

    void commit(broker::offset_request& request) override;
    void committed(broker::offset_request& request) override;

private:
    /// An assigned partition; the log's reader as long as it is accepted.
    struct place final : log_reader {
        place(topic_partition at, inbox& wakes) : where(std::move(at)), box(wakes) {}
        ~place() { stop(); }
        void records_wait() noexcept override { box.wake(); }
        void stop() {
            if (flows) of->log_of(where.partition)->remove_reader(*this);
            flows = false;
        }
        topic_partition where;
        inbox& box;
        std::shared_ptr<topic> of;
        log_cursor cursor;
        bool flows = false;
        bool revoked = false;
    };

    [[nodiscard]] broker::source_event give(partitions_moved&& what);
    [[nodiscard]] broker::source_event take_back(partitions_moved&& what);
    [[nodiscard]] place* find(broker::slot which) const;
    void start(place& at, std::optional<offset> given);
    [[nodiscard]] std::optional<log_cursor> reset(place& at, partition_log& log, bool had_position);
    void report(error why);
    [[nodiscard]] std::optional<error> request_failure(const char* operation);

    std::shared_ptr<core> core_;
    std::shared_ptr<member> member_;
    std::shared_ptr<inbox> box_;
    std::string group_;
    broker::offset_reset reset_;
    std::vector<std::unique_ptr<place>> places_; // by slot
};

} // namespace corvid::memory

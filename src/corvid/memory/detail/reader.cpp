// SPDX-License-Identifier: Apache-2.0
#include <corvid/memory/detail/reader.hpp>

#include <utility>

namespace corvid::memory {

reader::reader(std::shared_ptr<core> of, topic_partition where, scheduler& loop,
               broker::source_listener& listener)
    : core_(std::move(of)), where_(std::move(where)), box_(std::make_shared<inbox>(loop, listener)) {
    {
        const auto held = core_->lock();
        core_->keep(box_);
    }
    static_cast<void>(open());
    box_->wake();
}

reader::~reader() {
    box_->detach();
    if (topic_) topic_->log_of(where_.partition)->remove_reader(*this);
}

partition_log* reader::open() {
    if (topic_) return topic_->log_of(where_.partition);
    {
        const auto held = core_->lock();
        topic_ = core_->find(where_.topic);
        if (topic_ && !topic_->log_of(where_.partition)) topic_.reset();
    }
    if (!topic_) return nullptr;
    partition_log* const log = topic_->log_of(where_.partition);
    end_ = log->range().end.value;
    cursor_ = log->first();
    log->add_reader(*this);
    return log;
}

record_batch reader::take(std::size_t most) {
    partition_log* const log = open();
    if (!log || most == 0) return {};
    taken found;
    log->take(cursor_, core_->reachable() ? most : 0, found, *this);
    if (found.out_of_range) {
        cursor_ = log->first();
        return take(most);
    }
    at_end_ |= core_->reachable() && log->position(cursor_) >= end_;
    if (found.records.empty()) return {};
    return {std::move(found.records), std::make_unique<segments_owner>(std::move(found.owners))};
}

std::optional<error> reader::take_trouble() {
    if (topic_ || std::exchange(told_, true)) return std::nullopt;
    return error(errc::unknown_topic, {.operation = "read",
                                       .topic = where_.topic.str(),
                                       .partition = where_.partition.value,
                                       .kind = error_kind::retriable});
}

} // namespace corvid::memory

// SPDX-License-Identifier: Apache-2.0
//
// record: one message of a partition, as a view. record_batch: the records that one fetch brought, and their
// owner.
//
// A record is valid while its batch lives. A record that must wait (for a handler that may suspend, in
// back-off, behind its key) is copied first, so that one slow record never pins a fetch buffer. Records are
// immutable and may be read from any thread; a batch is moved, not shared.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/model/headers.hpp>
#include <corvid/model/position.hpp>

#include <memory>
#include <span>
#include <vector>

namespace corvid {

struct record {
    optional_bytes key;
    optional_bytes value; ///< null: a tombstone
    std::int64_t offset = 0;
    std::int64_t timestamp = -1;  ///< milliseconds since the epoch, -1 where the broker has none
    const void* native = nullptr; ///< the broker client's own message, for headers

    [[nodiscard]] wall_time time() const noexcept { return wall_time(std::chrono::milliseconds(timestamp)); }
};

/// What a broker client hands over with its records: it frees them, and knows where their headers are.
class batch_owner {
public:
    virtual ~batch_owner() = default;
    /// Appends the record's headers, parsed only now; they borrow from this batch.
    virtual void read_headers(const record& which, header_list& into) const = 0;
    /// The batch is over: ends this object, or keeps it, and the records' memory, for another batch. Any
    /// thread.
    virtual void end_batch(std::vector<record>&& /*records*/) noexcept { delete this; }
};

/// Consecutive records of one partition, in the order of their offsets (which may have gaps).
class record_batch {
public:
    record_batch() = default;
    record_batch(std::vector<record> records, std::unique_ptr<batch_owner> owner) noexcept
        : owner_(std::move(owner)), records_(std::move(records)) {}
    record_batch(record_batch&&) noexcept = default;
    record_batch& operator=(record_batch&& other) noexcept {
        end();
        owner_ = std::move(other.owner_);
        records_ = std::move(other.records_);
        return *this;
    }
    ~record_batch() { end(); }

    [[nodiscard]] std::span<const record> records() const noexcept { return records_; }
    [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    [[nodiscard]] header_list headers_of(const record& which) const {
        header_list list;
        if (owner_) owner_->read_headers(which, list);
        return list;
    }

private:
    void end() noexcept {
        if (batch_owner* const owner = owner_.release()) owner->end_batch(std::move(records_));
    }

    std::unique_ptr<batch_owner> owner_;
    std::vector<record> records_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// partition_log: the records of one partition, in segments that are shared with the batches that view them,
// so that reading copies nothing and dropping old segments pulls nothing away from a reader. Any thread; one
// lock each.
#pragma once

#include <corvid/broker/admin.hpp>
#include <corvid/memory/detail/frame.hpp>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace corvid::memory {

/// A stretch of a log: frames one behind the other. Bytes below `used` never change.
struct segment {
    segment(std::int64_t first, std::size_t size)
        : base(first), capacity(size), words(std::make_unique_for_overwrite<std::uint64_t[]>(size / 8)) {}
    [[nodiscard]] std::byte* bytes() const noexcept { return reinterpret_cast<std::byte*>(words.get()); }
    [[nodiscard]] const frame& at(std::size_t position) const noexcept {
        return *reinterpret_cast<const frame*>(bytes() + position);
    }
    std::int64_t base; ///< no frame's offset is below it
    std::size_t capacity;
    std::size_t used = 0; ///< guarded by the log's lock
    std::unique_ptr<std::uint64_t[]> words;
};

/// Who wants to know that a log has something to take. Told once, after a take that found nothing.
class log_reader {
public:
    virtual void records_wait() noexcept = 0; ///< under the log's lock

protected:
    ~log_reader() = default;

private:
    friend class partition_log;
    bool wants_to_know_ = false;
};

/// A place in a log. `next` is the offset to read next.
struct log_cursor {
    std::int64_t next = 0;
    std::uint64_t segment = 0; ///< counted from the log's first one ever
    std::size_t position = 0;
};

struct taken {
    std::vector<record> records;
    std::vector<std::shared_ptr<const segment>> owners;
    bool out_of_range = false; ///< what the cursor points to was deleted
};

class partition_log {
public:
    /// `retain`: bytes after which whole old segments go; 0: all is kept.
    explicit partition_log(std::size_t retain = 0) noexcept : retain_(retain) {}

    /// Appends and answers the record's offset.
    std::int64_t append(const broker::outgoing& from, std::int64_t timestamp);
    std::int64_t append(const frame& from, std::int64_t timestamp);
    /// Leaves out the next `count` offsets.
    void skip(std::int64_t count);
    void delete_before(std::int64_t offset);

    [[nodiscard]] broker::log_range range() const;
    /// Where `offset`, or the first record behind it, lies; none where it is outside the log.
    [[nodiscard]] std::optional<log_cursor> find(std::int64_t offset) const;
    [[nodiscard]] log_cursor first() const;
    [[nodiscard]] log_cursor last() const;

    void take(log_cursor& from, std::size_t most, taken& into, log_reader& who);
    /// Everything that is kept, whether readers are stopped or not.
    void read_all(taken& into) const;
    /// Behind the last record, markers left out; 0 where there is none.
    [[nodiscard]] std::int64_t end_of_records() const;
    /// How far the cursor is, the gap before the end included where nothing waits.
    [[nodiscard]] std::int64_t position(const log_cursor& of) const;

    void add_reader(log_reader& who);
    void remove_reader(log_reader& who);
    /// While stopped, readers find nothing.
    void stop_readers(bool stop);
    void wake_readers();

private:
    std::byte* room(std::size_t stride);
    std::int64_t appended(frame& made, std::int64_t timestamp);
    void drop_segments_before(std::int64_t offset);
    void wake_locked();
    [[nodiscard]] log_cursor find_locked(std::int64_t offset) const;
    [[nodiscard]] std::uint64_t end_sequence() const noexcept { return first_sequence_ + segments_.size(); }
    const segment* settle(log_cursor& at) const;
    void take_locked(log_cursor& from, std::size_t most, taken& into) const;

    mutable std::mutex mutex_;
    std::deque<std::shared_ptr<segment>> segments_;
    std::uint64_t first_sequence_ = 0;
    std::int64_t begin_ = 0;
    std::int64_t end_ = 0;
    std::int64_t last_ = -1; // the last record's offset
    std::size_t bytes_ = 0;
    std::size_t retain_;
    std::vector<log_reader*> readers_;
    bool stopped_ = false;
};

/// Keeps the segments that the records of a batch lie in.
class segments_owner final : public batch_owner {
public:
    explicit segments_owner(std::vector<std::shared_ptr<const segment>> of) noexcept
        : segments_(std::move(of)) {}
    void read_headers(const record& which, header_list& into) const override {
        static_cast<const frame*>(which.native)->read_headers(into);
    }

private:
    std::vector<std::shared_ptr<const segment>> segments_;
};

} // namespace corvid::memory

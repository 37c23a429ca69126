// SPDX-License-Identifier: Apache-2.0
//
// pull: records on request instead of by callback. pull_handler stands in the engine's place of a handler and
// hands its runs to one reader, which asks when it likes: next() as an operation, poll() with a time-out.
//
// A record that was handed out counts as done when the reader asks for the next one (commit_mode::when_done),
// or when it says commit_up_to() (by_hand). Nothing is handed out twice within an assignment; what was not
// done is delivered again after it.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/consume/handler.hpp>
#include <corvid/message/envelope.hpp>
#include <corvid/serde/decode_record.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace corvid {

/// A record that was handed out: a copy, which lives as long as this.
struct pulled_record {
    std::shared_ptr<const topic_partition> where;
    epoch since = epoch::none; ///< of the assignment that it came with
    std::shared_ptr<const held_record> copy;
    [[nodiscard]] record_origin origin() const noexcept {
        return {.topic = where->topic.str(),
                .where = where->partition,
                .source = &copy->what(),
                .own_headers = &copy->its_headers()};
    }
};

/// For one reader at a time, on any thread that is not the group's loop.
class pull_handler final : public handler {
public:
    void start(run& records) noexcept override;
    [[nodiscard]] bool needs_whole_runs() const noexcept override { return true; }
    void asked_to_stop(run& records) noexcept override;

    /// The next record, or none if none waits. Settles the one handed out before.
    [[nodiscard]] std::optional<pulled_record> try_next() noexcept;
    /// `wake` runs once, on any thread, when a record may wait or the stream has ended; at once if so
    /// already.
    void when_ready(work& wake) noexcept;
    /// Takes `wake` back; false if it was or is about to be run.
    [[nodiscard]] bool forget(work& wake) noexcept;

    /// Nothing more is handed out; the record in the reader's hands is not done. What nobody read is kept
    /// until the group asks for it back. Any thread.
    void close() noexcept;
    [[nodiscard]] bool is_closed() const noexcept;

private:
    struct shared_run {
        run* of = nullptr;
        std::shared_ptr<const topic_partition> where;
    };
    void begin_next() noexcept;
    void settle_held() noexcept;

    mutable std::mutex mutex_;
    std::deque<shared_run> waiting_;
    shared_run held_;
    work* wake_ = nullptr;
    bool closed_ = false;
};

/// A record that was pulled: none (nothing came in time, or the stream ended), a message, or an error (bytes
/// that are no T). It keeps a copy of its record.
template <Message T>
class polled {
public:
    using commit_function = std::function<void(const pulled_record&)>;

    polled() = default;
    polled(pulled_record of, result<T> decoded, std::shared_ptr<const commit_function> commit)
        : record_(std::move(of)), commit_(std::move(commit)) {
        if (decoded)
            message_ = *std::move(decoded);
        else
            error_ = std::move(decoded).error();
    }

    [[nodiscard]] bool is_none() const noexcept { return !record_.copy; }
    [[nodiscard]] bool has_message() const noexcept { return message_.has_value(); }
    [[nodiscard]] const std::optional<error>& why() const noexcept { return error_; }
    /// There is a message.
    explicit operator bool() const noexcept { return has_message(); }

    [[nodiscard]] const T& message() const noexcept { return *message_; }
    [[nodiscard]] const T& operator*() const noexcept { return *message_; }
    const polled* operator->() const noexcept { return this; }
    /// The record; it borrows from this. Not for none.
    [[nodiscard]] received<T> record() const noexcept {
        return {message_ ? &*message_ : nullptr, record_.origin()};
    }
    /// This record and all before it in its partition are done (commit_mode::by_hand); sent with the next
    /// commit, if the partition has been this member's ever since. Any thread, while the service is there.
    /// Not for none.
    void commit_up_to() const { (*commit_)(record_); }

private:
    pulled_record record_;
    std::optional<T> message_;
    std::optional<error> error_;
    std::shared_ptr<const commit_function> commit_;
};

/// Completes when a record waits or the stream has ended.
class pull_wait : public operation<pull_wait, void> {
public:
    explicit pull_wait(pull_handler& from) noexcept : wake_(*this), from_(from) {}
    bool start() noexcept {
        from_.when_ready(wake_);
        return true;
    }
    void take() const noexcept {}

private:
    struct wake : work {
        explicit wake(pull_wait& w) noexcept
            : work([](work& n) noexcept { static_cast<wake&>(n).owner.complete(); }), owner(w) {}
        pull_wait& owner;
    };
    wake wake_;
    pull_handler& from_;
};

} // namespace corvid

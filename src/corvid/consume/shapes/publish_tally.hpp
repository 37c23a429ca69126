// SPDX-License-Identifier: Apache-2.0
//
// publish_tally: what one attempt at a record has published or handed in, and what of it is acknowledged. The
// record is done when all is (docs/decisions/0014, 0015).
//
//   the handler publishes ─▶ one_more() … answered() ─┐
//   run::complete ─▶ kept with the record ─▶ bind() ──┴─▶ all answered: `run` on the loop, or bind() says so
//                └▶ or leave(): nobody waits for it
//
// It ends itself with leave(), or with take() by its last owner. Pooled memory.
#pragma once

#include <corvid/base/error.hpp>
#include <corvid/base/operation.hpp>
#include <corvid/base/scheduler.hpp>
#include <corvid/model/outcome.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

namespace corvid {

class held_record;
class dispatcher;
class acknowledgement;
struct tenancy;

class publish_tally : public work {
public:
    [[nodiscard]] static publish_tally& make();

    // Any thread.
    void one_more() noexcept { left_.fetch_add(1, std::memory_order_relaxed); }
    /// One of them; `why` it failed, to be tried again.
    void answered(std::optional<error> why) noexcept;
    /// One of them failed, and the kind of the error says what becomes of the record.
    void refused(error why) noexcept;
    /// The attempt has ended and its record does not wait.
    void leave() noexcept { one_less(); }
    /// All that was published is answered: by whoever may still publish.
    [[nodiscard]] bool is_answered() const noexcept { return left_.load(std::memory_order_acquire) == 1; }
    /// Once all is answered: what the first failure makes of the record, with its reason.
    [[nodiscard]] const std::optional<outcome>& failure() const noexcept { return failure_; }

    // Loop only.

    /// `what` waits. True: for nothing, all is answered; else `then` is run on `loop` when it is.
    [[nodiscard]] bool bind(dispatcher& by, held_record& what, scheduler& loop, work::function then) noexcept;
    /// The record does not wait any more: `what` is null from now on. `then` is run all the same, so that
    /// the loop outlives it.
    void abandon() noexcept { what_ = nullptr; }
    [[nodiscard]] bool is_bound() const noexcept { return by_ != nullptr; }
    [[nodiscard]] held_record* what() const noexcept { return what_; }
    /// The assignment of the record, which counts this as work.
    [[nodiscard]] tenancy& of() const noexcept { return *of_; }
    [[nodiscard]] dispatcher& by() const noexcept { return *by_; }
    /// Ends it, once all is answered; the first failure.
    [[nodiscard]] std::optional<outcome> take() noexcept;

private:
    friend class acknowledgement;
    publish_tally() noexcept;
    ~publish_tally() = default;
    void failed(outcome what) noexcept;
    void one_less() noexcept;
    void end() noexcept;

    std::atomic<std::uint32_t> left_{1}; // the attempt itself, and each publish
    scheduler* loop_ = nullptr;
    dispatcher* by_ = nullptr;
    held_record* what_ = nullptr;
    tenancy* of_ = nullptr;
    acknowledgement* awaited_ = nullptr;
    std::mutex mutex_;
    std::optional<outcome> failure_;
};

/// Instead of bind() or leave(), by the handler's side: waits until all is answered, tells the first failure
/// and ends the tally.
class acknowledgement : public operation<acknowledgement, std::optional<outcome>> {
public:
    explicit acknowledgement(publish_tally& of) noexcept : of_(of) {}
    [[nodiscard]] bool start() noexcept;
    [[nodiscard]] std::optional<outcome> take() noexcept { return of_.take(); }

private:
    publish_tally& of_;
};

} // namespace corvid

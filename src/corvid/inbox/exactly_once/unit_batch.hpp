// SPDX-License-Identifier: Apache-2.0
//
// unit_batch: one call of a batch handler that records into a unit_of_work: the transaction with the marks,
// the records that are new, and what becomes of them when the handler has answered.
//
//   begin() ─▶ records() ─▶ the function, with unit() ─▶ answer(), each in turn ─▶ end()
//
// One thread at a time: that of the handler.
#pragma once

#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/consume/shapes/batch_context.hpp>
#include <corvid/inbox/exactly_once/inbox_stage.hpp>

#include <optional>
#include <vector>

namespace corvid {

class unit_batch final : public unit_reader {
public:
    unit_batch(inbox_stage& by, batch_attempt& of, const batch_attempt::range& which) noexcept
        : by_(by), of_(of), range_(which) {}
    unit_batch(const unit_batch&) = delete;
    unit_batch& operator=(const unit_batch&) = delete;

    /// False: nobody is to be called, and all is said. Else kept() are those that are new.
    [[nodiscard]] task<bool> begin();
    [[nodiscard]] const std::vector<bool>& kept() const noexcept { return kept_; }
    [[nodiscard]] const batch_attempt::range& records() const noexcept { return range_; }
    [[nodiscard]] unit_of_work& unit() noexcept { return *unit_; }

    // What the function said, once.
    void answer(const outcome& what) { said_.assign(range_.size(), what), whole_ = what; }
    void answer(const batch_outcomes& each);
    /// Waits for what was published through `ctx`, writes, and says what became of each.
    [[nodiscard]] task<void> end(batch_context& ctx);
    /// Of records(), those that end() has moved to the front to be called once more; empty: none.
    [[nodiscard]] const std::vector<bool>& called_again() const noexcept { return called_again_; }

    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& unit, store::statement question) override;

private:
    [[nodiscard]] static bool is_over(const outcome& what) noexcept {
        return what == verdict::done || what == verdict::skip;
    }
    /// In the order of the range: which are behind one that failed, in its lane.
    [[nodiscard]] std::vector<bool> behind_failed() const;
    [[nodiscard]] bool can_be_written(const std::vector<bool>& behind) const;
    void set_back(const error& why);
    void failed(const error& why);
    void call_others_again(const std::vector<bool>& behind);
    [[nodiscard]] task<void> write();

    inbox_stage& by_;
    batch_attempt& of_;
    batch_attempt::range range_;
    std::vector<bool> kept_, called_again_;
    std::vector<std::size_t> numbers_; // in the transaction, of what is kept
    std::shared_ptr<asked_batch> opened_;
    std::optional<unit_of_work> unit_;
    std::vector<outcome> said_;
    std::optional<outcome> whole_; // for all of them
    std::optional<error> refused_; // a question: the transaction takes nothing more
};

} // namespace corvid

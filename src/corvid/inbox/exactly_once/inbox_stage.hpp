// SPDX-License-Identifier: Apache-2.0
//
// inbox_stage: where the handlers of one subscription hand in what they recorded; it holds their records open
// until that is committed (consume/shapes/completion_stage.hpp, docs/decisions/0015, 0017).
#pragma once

#include <corvid/consume/context.hpp>
#include <corvid/consume/shapes/batch_attempt.hpp>
#include <corvid/consume/shapes/completion_stage.hpp>
#include <corvid/inbox/asked_unit.hpp>
#include <corvid/inbox/effect.hpp>

namespace corvid {

class inbox_stage : public completion_stage {
public:
    /// What the handler recorded, if it said done: the record is open until that is committed. With skip it
    /// is done without effect. Answers what the handler said. Where the handler runs.
    [[nodiscard]] outcome hand_in(const context& record, unit_of_work unit, outcome said);
    /// The transaction of a handler that asks.
    [[nodiscard]] virtual task<result<std::shared_ptr<asked_unit>>> begin(const context& record) = 0;
    /// Of a batch handler: with the marks of those records that are to be handed over.
    [[nodiscard]] virtual task<result<std::shared_ptr<asked_batch>>> begin(const batch_attempt& of,
                                                                           batch_attempt::range which) = 0;
    /// No effect may be written before a record in front of it, in its lane, is dealt with: a dead letter is
    /// one only when it is durable.
    [[nodiscard]] virtual bool keeps_the_order_of_all() const noexcept { return false; }

    [[nodiscard]] bool is_attempt(const error& why) const noexcept override;

private:
    virtual void add(const context& record, unit_of_work unit) = 0;
};

/// By event id.
class event_stage final : public inbox_stage {
public:
    /// `number`: of the subscription within its group. `parts`: how many handlers a record has; 0: one, which
    /// is no part.
    event_stage(class group_inbox& of, std::uint64_t number, std::uint32_t parts) noexcept
        : of_(of), salt_(number * 0xd6e8feb86659fd93U), parts_(parts) {}

    [[nodiscard]] task<result<std::shared_ptr<asked_unit>>> begin(const context& record) override;
    [[nodiscard]] task<result<std::shared_ptr<asked_batch>>> begin(const batch_attempt& of,
                                                                   batch_attempt::range which) override;
    void reopen(std::uint64_t lane) noexcept override;
    void dead_lettered(context& record) override;

private:
    void add(const context& record, unit_of_work unit) override;
    void add_part(const context& record, std::uint32_t part, unit_of_work unit);
    group_inbox& of_;
    const std::uint64_t salt_;
    const std::uint32_t parts_;
};

/// One attempt of a handler that may ask: begins the transaction at the first question, ends it at the end.
class asking_attempt final : public unit_opener, public unit_reader {
public:
    asking_attempt(inbox_stage& by, const context& record) noexcept : by_(by), record_(record) {}
    [[nodiscard]] task<result<std::shared_ptr<unit_reader>>> open(std::uint64_t tag) override;
    [[nodiscard]] task<result<store::answer>> ask(unit_of_work& unit, store::statement question) override;
    /// What becomes of the record, by what its handler said and by the answers that it did not get.
    [[nodiscard]] task<outcome> end(unit_of_work& unit, outcome said);

private:
    inbox_stage& by_;
    const context& record_;
    std::shared_ptr<asked_unit> opened_;
    std::optional<error> refused_; ///< a question, or the transaction itself: it takes nothing more
};

} // namespace corvid

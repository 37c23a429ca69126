// SPDX-License-Identifier: Apache-2.0
//
// offset_stage: by offset. Each record of a partition is handed in, with an effect or without, and is done
// when the partition's row has passed it; reading begins at the row (docs/decisions/0017).
#pragma once

#include <corvid/consume/positions/position_keeper.hpp>
#include <corvid/inbox/exactly_once/inbox_stage.hpp>

namespace corvid {

class group_inbox;

class offset_stage final : public inbox_stage, public position_keeper {
public:
    explicit offset_stage(group_inbox& of) noexcept : of_(of) {}

    [[nodiscard]] task<result<std::shared_ptr<asked_unit>>> begin(const context& record) override;
    [[nodiscard]] task<result<std::shared_ptr<asked_batch>>> begin(const batch_attempt& of,
                                                                   batch_attempt::range which) override;
    [[nodiscard]] bool keeps_the_order_of_all() const noexcept override { return true; }
    void reopen(std::uint64_t) noexcept override {} // a record that is not written holds its partition
    void dead_lettered(context& record) override;
    [[nodiscard]] position_keeper* positions() noexcept override { return this; }

    void find(const topic_partition& of, std::function<void(result<std::optional<offset>>)> then) override;
    [[nodiscard]] result<void> check(const topic_partition& of, offset position,
                                     const broker::log_range& log) const override;
    [[nodiscard]] std::uint64_t begin(const topic_partition& of, offset first, bool is_position,
                                      std::function<void(const error&)> lost) override;
    void took(std::uint64_t ticket, std::span<const record> records) override;
    void take_back(std::uint64_t ticket, offset which) override;
    void cut_from(std::uint64_t ticket, offset from) override;
    void end(std::uint64_t ticket) override;

private:
    void add(const context& record, unit_of_work unit) override;
    group_inbox& of_;
};

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// probe: stands in front of a handler and hands it its records one by one, so that a crash can come before or
// after each, and the journal knows who is at work on what. Internal.
#pragma once

#include <corvid/testing/detail/instance.hpp>

#include <memory>
#include <vector>

namespace corvid::testing::detail {

class probe final : public handler, private run_owner {
public:
    [[nodiscard]] static std::unique_ptr<handler> around(std::unique_ptr<handler> inner, instance& of,
                                                         const std::string& group);
    probe(std::unique_ptr<handler> inner, instance& of, std::string group);
    ~probe() override;

    void start(run& records) noexcept override;
    [[nodiscard]] bool is_immediate() const noexcept override { return inner_->is_immediate(); }
    void asked_to_stop(run& records) noexcept override;

private:
    class single;
    void came_back(run& over) noexcept override;
    void go_on(single& at) noexcept;
    [[nodiscard]] bool begin(single& at);
    [[nodiscard]] bool settle(single& at);
    void put_back(single& at) noexcept;

    std::unique_ptr<handler> inner_;
    instance& of_;
    std::string group_;
    std::vector<std::unique_ptr<single>> all_;
    std::vector<single*> idle_;
};

} // namespace corvid::testing::detail

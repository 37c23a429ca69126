// SPDX-License-Identifier: Apache-2.0
//
// progress: a bar on a terminal, a line for each phase elsewhere; on standard error.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flights {

class progress {
public:
    explicit progress(corvid::scheduler& clock);
    ~progress() { clear(); }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    /// A sentence of its own.
    void say(std::string_view sentence);
    /// Draws the bar, at most ten times a second.
    void show(std::int64_t published, std::int64_t handled, std::int64_t of);
    void clear();

private:
    corvid::scheduler& clock_;
    bool terminal_;
    bool drawn_ = false;
    corvid::steady_time next_{};
};

/// 336776 as 336,776
[[nodiscard]] std::string grouped(std::int64_t number);

} // namespace flights

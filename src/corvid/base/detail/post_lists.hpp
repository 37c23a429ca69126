// SPDX-License-Identifier: Apache-2.0
//
// post_lists: nodes on their way to a few loops, posted as one list a loop: one lock and at most one wake-up
// for each. One thread's own.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <array>
#include <cstddef>

namespace corvid {

class post_lists {
public:
    /// Keeps `node` for `to` until flush(), or until there are more loops than lists.
    void push(scheduler& to, work& node) noexcept {
        std::size_t at = 0;
        while (at < used_ && lists_[at].to != &to)
            ++at;
        if (at == lists_.size()) {
            flush();
            at = 0;
        }
        if (at == used_) lists_[used_++].to = &to;
        lists_[at].nodes.push(node);
    }
    void flush() noexcept {
        for (std::size_t i = 0; i < used_; ++i)
            lists_[i].to->post(std::move(lists_[i].nodes));
        used_ = 0;
    }

private:
    struct list {
        scheduler* to = nullptr;
        work_list nodes;
    };
    std::array<list, 8> lists_;
    std::size_t used_ = 0;
};

} // namespace corvid

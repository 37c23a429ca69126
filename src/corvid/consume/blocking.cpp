// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/blocking.hpp>

#include <algorithm>

namespace corvid {

blocking_pool::seat::seat(blocking_pool& p) noexcept
    : work([](work& w) noexcept {
          auto& self = static_cast<seat&>(w);
          self.of.serve(self);
      }),
      of(p) {}

blocking_pool::blocking_pool(scheduler& root, std::size_t threads) {
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
        auto& fresh = *seats_.emplace_back(std::make_unique<seat>(*this));
        fresh.thread = root.run_thread("corvid-blocking", [](scheduler&) {});
        free_.push_back(&fresh);
    }
}

blocking_pool::~blocking_pool() = default;

void blocking_pool::start(handler& with, run& records) noexcept {
    seat* chosen = nullptr;
    records.wait_for_turn();
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back({&with, &records});
        if (free_.empty()) return;
        chosen = free_.back();
        free_.pop_back();
    }
    chosen->thread->loop().post(*chosen);
}

void blocking_pool::serve(seat& by) noexcept {
    for (;;) {
        job next{};
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) {
                free_.push_back(&by);
                return;
            }
            next = waiting_.front();
            waiting_.pop_front();
        }
        next.records->begin_work();
        next.with->start(*next.records);
    }
}

} // namespace corvid

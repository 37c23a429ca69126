// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/worker_pool.hpp>

#include <string>

namespace corvid {

namespace {

constexpr duration longest_gathering = std::chrono::microseconds(200);

} // namespace

worker::end_of_turn::end_of_turn(worker& w) noexcept
    : work([](work& node) noexcept {
          worker& self = static_cast<end_of_turn&>(node).of;
          self.in_turn_ = false;
          self.back_.flush();
      }),
      of(w) {}

worker::worker(scheduler& root, std::size_t number)
    : number_(number),
      end_of_turn_(*this),
      thread_(root.run_thread("corvid-work-" + std::to_string(number), [](scheduler&) {})) {}

void worker::begins(steady_time now) noexcept {
    if (in_turn_) return;
    in_turn_ = turn::at_end(end_of_turn_);
    since_ = now;
}

void worker::give_back(scheduler& to, work& over, steady_time now) noexcept {
    begins(now);
    back_.push(to, over);
    if (in_turn_ && now - since_ < longest_gathering) return;
    back_.flush();
    since_ = now;
}

worker_pool::worker_pool(scheduler& root, std::size_t threads) {
    if (threads == 0) threads = root.cores();
    for (std::size_t i = 0; i < threads; ++i)
        workers_.push_back(std::make_unique<worker>(root, i));
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/signals.hpp>

#include <corvid/service/run_state.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>

namespace corvid {

namespace {

// What a signal handler may touch: lock-free atomics and write(2).
std::atomic<int> wake_fd{-1};
std::atomic<int> times_asked{0};

extern "C" void on_termination(int) {
    if (times_asked.fetch_add(1) > 0) _exit(static_cast<int>(exit_code::killed));
    const std::uint64_t one = 1;
    if (write(wake_fd.load(), &one, sizeof one) < 0) _exit(static_cast<int>(exit_code::killed));
}

} // namespace

struct termination_signals::state {
    struct asked_watcher : watcher {
        asked_watcher(int wakes, signal& s) noexcept
            : watcher(wakes,
                      [](work& w) noexcept {
                          auto& self = static_cast<asked_watcher&>(w);
                          std::uint64_t count = 0;
                          if (read(self.fd, &count, sizeof count) > 0) self.asked.set();
                      }),
              asked(s) {}
        signal& asked;
    };

    explicit state(signal& asked)
        : descriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), on_asked(descriptor, asked) {
        if (descriptor < 0) throw std::runtime_error("no descriptor is left for signals");
    }
    ~state() {
        thread.reset();
        close(descriptor);
    }
    int descriptor;
    asked_watcher on_asked;
    struct sigaction old_term = {}, old_int = {};
    std::unique_ptr<loop_thread> thread;
};

termination_signals::termination_signals(scheduler& root, signal& asked)
    : state_(std::make_unique<state>(asked)) {
    int none = -1;
    if (!wake_fd.compare_exchange_strong(none, state_->descriptor))
        throw std::logic_error("termination_signals: another one is in use in this process");
    times_asked = 0;
    state_->thread =
        root.run_thread("corvid-signals", [this](scheduler& loop) { loop.watch(state_->on_asked); });
    struct sigaction action = {};
    action.sa_handler = on_termination;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, &state_->old_term);
    sigaction(SIGINT, &action, &state_->old_int);
}

termination_signals::~termination_signals() {
    sigaction(SIGTERM, &state_->old_term, nullptr);
    sigaction(SIGINT, &state_->old_int, nullptr);
    wake_fd = -1;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/pull.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

void pull_handler::start(run& records) noexcept {
    work* wake = nullptr;
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(&records);
        wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake->run(*wake);
}

// A run that nobody looks at is given back at once; the reader gives back the one in its hands.
void pull_handler::asked_to_stop(run& records) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (held_ == &records || std::erase(waiting_, &records) == 0) return;
    }
    records.end();
}

void pull_handler::settle_held() noexcept {
    run* held = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!held_) return;
        held_->complete(done);
        if (held_->has_next()) {
            waiting_.push_front(held_);
        } else {
            held = held_;
        }
        held_ = nullptr;
    }
    if (held) held->end();
}

run* pull_handler::try_next() noexcept {
    settle_held();
    for (;;) {
        run* ended = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || waiting_.empty()) return nullptr;
            run* next = waiting_.front();
            waiting_.pop_front();
            if (next->has_next()) return held_ = next;
            ended = next;
        }
        ended->end();
    }
}

void pull_handler::when_ready(work& wake) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (!closed_ && waiting_.empty() && !(held_ && held_->has_next())) {
            wake_ = &wake;
            return;
        }
    }
    wake.run(wake);
}

bool pull_handler::forget(work& wake) noexcept {
    const std::lock_guard lock(mutex_);
    if (wake_ != &wake) return false;
    wake_ = nullptr;
    return true;
}

void pull_handler::close() noexcept {
    run* held = nullptr;
    work* wake = nullptr;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        held = std::exchange(held_, nullptr);
        wake = std::exchange(wake_, nullptr);
    }
    if (held) held->end();
    if (wake) wake->run(*wake);
}

bool pull_handler::is_closed() const noexcept {
    const std::lock_guard lock(mutex_);
    return closed_;
}

} // namespace corvid

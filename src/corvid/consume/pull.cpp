// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/pull.hpp>

#include <algorithm>
#include <utility>

namespace corvid {

void pull_handler::start(run& records) noexcept {
    auto where = std::make_shared<const topic_partition>(records.origin().where);
    work* wake = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (held_.of || !waiting_.empty()) records.wait_for_turn();
        waiting_.push_back({&records, std::move(where)});
        wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake->run(*wake);
}

// A run that nobody looks at is given back at once; the reader gives back the one in its hands.
void pull_handler::asked_to_stop(run& records) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (std::erase_if(waiting_, [&](const shared_run& one) { return one.of == &records; }) == 0) return;
        begin_next();
    }
    records.end();
}

// What the reader could ask for now is with the reader, who may never ask.
void pull_handler::begin_next() noexcept {
    if (!held_.of && !waiting_.empty()) waiting_.front().of->begin_work();
}

void pull_handler::settle_held() noexcept {
    run* held = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!held_.of) return;
        held_.of->complete(done);
        if (held_.of->has_next())
            waiting_.push_front(std::move(held_));
        else
            held = held_.of;
        held_ = {};
        begin_next();
    }
    if (held) held->end();
}

std::optional<pulled_record> pull_handler::try_next() noexcept {
    settle_held();
    for (;;) {
        run* ended = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || waiting_.empty()) return std::nullopt;
            shared_run next = std::move(waiting_.front());
            waiting_.pop_front();
            next.of->begin_work();
            if (next.of->has_next()) {
                held_ = std::move(next);
                const run& at = *held_.of;
                return pulled_record{held_.where, at.held()->from.since,
                                     held_record::copy(at.current(), at.headers())};
            }
            ended = next.of;
        }
        ended->end();
    }
}

void pull_handler::when_ready(work& wake) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (!closed_ && waiting_.empty() && !(held_.of && held_.of->has_next())) {
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
        held = std::exchange(held_, {}).of;
        begin_next();
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

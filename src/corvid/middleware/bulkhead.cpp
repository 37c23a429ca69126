// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/bulkhead.hpp>

#include <utility>

namespace corvid {

result<void> bulkhead_settings::validate() const {
    if (wait < duration::zero())
        return fail(
            errc::invalid_setting,
            {.message = "bulkhead.wait is below 0", .hint = "set it to 0 or more", .operation = "subscribe"});
    return {};
}

slots::answer slots::ask() noexcept {
    if (try_enter()) return answer::enter;
    if (waiting_ >= most_) return answer::refuse;
    ++waiting_;
    return answer::wait;
}

bool slots::try_enter() noexcept {
    if (inside_ >= at_once_ || waiting_ > 0) return false;
    ++inside_;
    return true;
}

bool slots::leave() noexcept {
    if (waiting_ == 0) {
        --inside_;
        return false;
    }
    --waiting_;
    return true;
}

bool bulkhead::try_enter() noexcept {
    const std::lock_guard lock(mutex_);
    return slots_.try_enter();
}

void bulkhead::leave() noexcept {
    entry* chosen = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!slots_.leave()) return;
        chosen = first_;
        forget(*chosen);
        chosen->inside_ = true;
    }
    chosen->complete();
}

void bulkhead::forget(entry& gone) noexcept {
    (gone.previous_ ? gone.previous_->next_ : first_) = gone.next_;
    (gone.next_ ? gone.next_->previous_ : last_) = gone.previous_;
    gone.next_ = gone.previous_ = nullptr;
    gone.queued_ = false;
}

// Its timer and its resumption run on the same loop: whoever comes first there, the other one is taken back.
bulkhead::entry::patience::patience(entry& o) noexcept
    : timer([](work& w) noexcept {
          entry& late = static_cast<patience&>(w).owner;
          {
              const std::lock_guard lock(late.of_.mutex_);
              if (!late.queued_) return; // it has a place, and is about to hear of it
              late.of_.forget(late);
              late.of_.slots_.give_up();
          }
          late.resume_.waiter.resume();
      }),
      owner(o) {}

bool bulkhead::entry::start() {
    const steady_time until = home_->steady_now() + of_.settings_.wait;
    const std::lock_guard lock(of_.mutex_);
    switch (of_.slots_.ask()) {
    case slots::answer::enter:
        inside_ = true;
        return false;
    case slots::answer::refuse:
        return false;
    case slots::answer::wait:
        break;
    }
    home_->at(until, patience_);
    queued_ = true;
    previous_ = of_.last_;
    (of_.last_ ? of_.last_->next_ : of_.first_) = this;
    of_.last_ = this;
    return true;
}

bool bulkhead::entry::take() noexcept {
    if (patience_.pending()) home_->cancel(patience_);
    return inside_;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/deadline.hpp>

namespace corvid {

deadline::bell::bell(deadline& o) noexcept
    : timer([](work& w) noexcept { static_cast<bell&>(w).owner.source_.request(stop_reason::deadline); }),
      owner(o) {}

deadline::link::link(deadline& o) noexcept
    : stop_callback([](stop_callback& c, stop_reason why) noexcept {
          static_cast<link&>(c).owner.source_.request(why);
      }),
      owner(o) {}

deadline::deadline(duration limit, const stop_token& outer)
    : limit_(limit), outer_(outer), token_(source_.token()), bell_(*this), link_(*this) {
    link_.attach(outer_);
}

deadline::~deadline() {
    if (bell_.pending()) home_->cancel(bell_);
}

// A request stands for good: after a deadline the next attempt needs a source of its own. Nobody else may be
// using the old one then.
void deadline::begin(steady_time now, scheduler* home) {
    if (token_.reason() == stop_reason::deadline) {
        link_.detach();
        source_ = stop_source();
        token_ = source_.token();
        link_.attach(outer_);
    }
    due_ = now + limit_;
    home_ = home;
    if (home_) home_->at(due_, bell_);
}

void deadline::look(steady_time now) noexcept {
    if (now >= due_) source_.request(stop_reason::deadline);
}

bool deadline::end(steady_time now) noexcept {
    if (bell_.pending()) home_->cancel(bell_);
    return now >= due_;
}

} // namespace corvid

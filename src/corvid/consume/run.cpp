// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/run.hpp>

#include <corvid/consume/handler.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>
#include <corvid/consume/worker_pool.hpp>

namespace corvid {

publish_tally& run::published() const {
    if (outer_) return outer_->published();
    if (!published_) published_ = &publish_tally::make();
    return *published_;
}

void run::forget_published() noexcept { std::exchange(published_, nullptr)->leave(); }

outcome run::settle_published(outcome what) noexcept {
    publish_tally& made = *std::exchange(published_, nullptr);
    if (what != verdict::done && what != verdict::skip) {
        made.leave();
        return what;
    }
    if (made.is_answered()) {
        if (made.failure()) {
            remember(0);
            what = retry(*made.failure());
        }
        made.leave();
        return what;
    }
    has_open_ = true;
    if (held_)
        held_->open = &made;
    else
        open_.push_back({index(), &made});
    return what;
}

bool run::start(handler& with) noexcept {
    work::run = on_end_;
    ended_inline_ = false;
    starting_ = true;
    began_at_ = loop_.steady_now();
    with.start(*this);
    starting_ = false;
    return ended_inline_;
}

work& run::bound_for(worker& at, handler& with) noexcept {
    at_ = &at;
    with_ = &with;
    seat_ = at.number() + 1;
    work::run = [](work& node) noexcept {
        run& self = of(node);
        self.work::run = self.on_end_;
        self.began_at_ = self.loop_.steady_now();
        self.at_->begins(self.began_at_);
        self.with_->start(self);
    };
    return *this;
}

void run::end() noexcept {
    ended_at_ = loop_.steady_now();
    if (at_ && at_->is_current())
        at_->give_back(loop_, *this, ended_at_);
    else if (scheduler::current() == &loop_ && starting_)
        ended_inline_ = true;
    else
        loop_.post(*this);
}

} // namespace corvid

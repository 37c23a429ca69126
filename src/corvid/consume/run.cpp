// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/run.hpp>

#include <corvid/consume/worker_pool.hpp>

namespace corvid {

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

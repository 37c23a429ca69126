// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/publish_tally.hpp>

#include <corvid/base/operation.hpp>
#include <corvid/consume/held_record.hpp>
#include <corvid/lanes/failure_policy.hpp>

#include <new>

namespace corvid {

publish_tally::publish_tally() noexcept : work([](work&) noexcept {}) {}

publish_tally& publish_tally::make() {
    return *::new (detail::pool_allocate(sizeof(publish_tally))) publish_tally();
}

void publish_tally::end() noexcept {
    this->~publish_tally();
    detail::pool_free(this, sizeof(publish_tally));
}

void publish_tally::answered(std::optional<error> why) noexcept {
    if (why) failed(retry(*std::move(why)));
    one_less();
}

void publish_tally::refused(error why) noexcept {
    failed(failure_policy::outcome_of(std::move(why)));
    one_less();
}

void publish_tally::failed(outcome what) noexcept {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(what);
}

void publish_tally::one_less() noexcept {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    if (loop_)
        detail::post_resumption(*loop_, *this);
    else
        end();
}

bool publish_tally::bind(dispatcher& by, held_record& what, scheduler& loop, work::function then) noexcept {
    by_ = &by;
    what_ = &what;
    of_ = what.of;
    if (is_answered()) return true;
    loop_ = &loop;
    run = then;
    return left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

bool acknowledgement::start() noexcept {
    if (of_.is_answered()) return false;
    of_.awaited_ = this;
    of_.loop_ = scheduler::current();
    of_.run = [](work& node) noexcept { static_cast<publish_tally&>(node).awaited_->complete(); };
    return of_.left_.fetch_sub(1, std::memory_order_acq_rel) > 1;
}

std::optional<outcome> publish_tally::take() noexcept {
    auto first = std::move(failure_);
    end();
    return first;
}

} // namespace corvid

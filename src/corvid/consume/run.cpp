// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/run.hpp>

#include <corvid/consume/shapes/publish_tally.hpp>

namespace corvid {

publish_tally& run::published() const {
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

} // namespace corvid

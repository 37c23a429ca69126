// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/token_bucket.hpp>

#include <algorithm>
#include <cmath>

namespace corvid {

namespace {

constexpr double most_per_second = 10'000'000;
constexpr double most_burst = 1e9;

} // namespace

double rate_settings::its_burst() const noexcept {
    return burst > 0 ? burst : std::max(1.0, per_second / 10);
}

result<void> rate_settings::validate() const {
    const auto wrong = [](std::string message, std::string hint) {
        return fail(errc::invalid_setting,
                    {.message = std::move(message), .hint = std::move(hint), .operation = "subscribe"});
    };
    if (!(per_second > 0 && per_second <= most_per_second))
        return wrong("rate.per_second is not above 0 and up to 10000000", "leave it out for no limit");
    if (!(burst == 0 || (burst >= 1 && burst <= most_burst)))
        return wrong("rate.burst is below 1", "set it to 1 or more, or leave it out");
    if (its_burst() / per_second > 1e8)
        return wrong("rate.burst is more than years fill", "lower rate.burst");
    return {};
}

token_bucket::token_bucket(const rate_settings& settings)
    : interval_(std::max<std::int64_t>(1, std::llround(1e9 / settings.per_second))),
      slack_(static_cast<std::int64_t>((settings.its_burst() - 1) * static_cast<double>(interval_.count()))) {
}

bool token_bucket::take(steady_time now) noexcept {
    if (now < full_again_ - slack_) return false;
    full_again_ = std::max(full_again_, now) + interval_;
    return true;
}

steady_time token_bucket::reserve(steady_time now) noexcept {
    const steady_time when = next(now);
    full_again_ = std::max(full_again_, now) + interval_;
    return when;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// failure_policy: what becomes of a record, by what its handler said of it and how often it was tried. It
// decides; the engine performs. Pure: time and randomness come in.
//
//   done, skip ────────────────────────────────▶ commit
//   retry, attempts left ──────────────────────▶ again_at        its key waits
//   retry, attempts used up, a tier left ──────▶ retry_topic     its key goes on: order is given up
//   retry, used up · dead_letter · rejected ───▶ dead_letter | park_key | stop_partition, as `rejected` says
//   stop · fatal ──────────────────────────────▶ stop_service    the offset is held
//
// What the handler said is the class of the failure (retry: retriable, dead_letter: rejected, stop: fatal),
// unless the user's `classify` knows better from its error. Safe to share between threads if `classify` is.
#pragma once

#include <corvid/base/backoff.hpp>
#include <corvid/lanes/lane_record.hpp>
#include <corvid/model/outcome.hpp>

#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

namespace corvid {

class failure_policy {
public:
    enum class when_rejected : std::uint8_t {
        stop_partition, ///< hold the offset, run no more of the partition; others go on
        dead_letters,   ///< to the dead letter topic; the key goes on
        park_key,       ///< to the dead letter topic; later records of the key are parked behind it, in order
        pass_over,      ///< log it and leave it behind
    };

    struct settings {
        exponential retry = {}; ///< attempts and waits within this process, each time the record is delivered
        /// Delays of the tiers in whole milliseconds, each longer than the last; none: no retry topics.
        std::vector<duration> retry_topics = {};
        bool gives_up_order = false; ///< says that retry topics may overtake: needed by by_key
        when_rejected rejected = when_rejected::stop_partition;
        exponential transfer = {.first = std::chrono::seconds(1), .cap = std::chrono::minutes(1)};
        /// What a handler's error means; none: what the handler said.
        std::function<std::optional<error_kind>(const error&)> classify = {};

        /// errc::invalid_setting, or errc::conflicting_settings with a sentence that names both.
        [[nodiscard]] result<void> validate(order how) const;
    };

    struct commit {};
    struct again_at {
        steady_time when;
    };
    struct retry_topic {
        std::size_t tier;
        duration delay;
    };
    struct dead_letter {};
    struct park_key {};
    struct pass_over {};
    struct stop_partition {};
    struct stop_service {};
    using action = std::variant<commit, again_at, retry_topic, dead_letter, park_key, pass_over,
                                stop_partition, stop_service>;

    struct attempt {
        int number = 1;       ///< of this delivery, from 1
        std::size_t tier = 0; ///< how many retry topics the record has been through
        steady_time now{};
        double random01 = 0; ///< uniform in [0, 1)
    };

    explicit failure_policy(settings chosen) : settings_(std::move(chosen)) {}

    [[nodiscard]] action decide(const outcome& what, const attempt& which) const;

    /// A record could not be put elsewhere (dead letter, retry topic, parking): the offset is held and the
    /// transfer tried again, for ever, by `settings.transfer`. `number` transfers have failed.
    [[nodiscard]] steady_time transfer_again_at(int number, steady_time now, double random01) const {
        return now + settings_.transfer.delay(number, random01);
    }

    /// What becomes of a record that is not to be tried again.
    [[nodiscard]] action give_up() const;

    /// What an error means that no handler has judged (decoding, the settling of what a handler published):
    /// by the kind in the table of codes.
    [[nodiscard]] static outcome outcome_of(error why) noexcept;

    /// The class of what a handler said: none for done and skip.
    [[nodiscard]] std::optional<error_kind> class_of(const outcome& what) const;

    [[nodiscard]] const settings& chosen() const noexcept { return settings_; }

private:
    settings settings_;
};

} // namespace corvid

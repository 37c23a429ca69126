// SPDX-License-Identifier: Apache-2.0
#include <corvid/lanes/crash_guard.hpp>

#include <algorithm>
#include <charconv>

namespace corvid {

namespace {

constexpr std::string_view prefix = "corvid1;starts=";
constexpr std::string_view suspect_is = ";suspect=";
constexpr int most_starts = 1'000'000;

/// Takes a number, and what is around it, off the front; none: the text is something else.
template <class T>
std::optional<T> take_number(std::string_view& text, std::string_view behind) noexcept {
    if (!text.starts_with(behind)) return std::nullopt;
    text.remove_prefix(behind.size());
    T value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

} // namespace

std::string life_note::text() const {
    std::string made(prefix);
    made += std::to_string(starts);
    if (suspect) made += std::string(suspect_is) + std::to_string(suspect->value);
    return made;
}

life_note life_note::read(std::string_view text) noexcept {
    life_note note;
    const auto starts = take_number<int>(text, prefix);
    if (!starts) return {};
    note.starts = std::min(*starts, most_starts);
    if (text.empty()) return note;
    const auto suspect = take_number<std::int64_t>(text, suspect_is);
    if (!suspect || !text.empty()) return {};
    note.suspect = offset(*suspect);
    return note;
}

result<void> crash_settings::validate() const {
    if (suspect_after != 0 && suspect_after < 2)
        return fail(errc::invalid_setting,
                    {.message = "suspect_after is " + std::to_string(suspect_after),
                     .hint = "set suspect_after to 2 or more (default 3), or to 0 to count no starts"});
    if (probation < duration::zero())
        return fail(errc::invalid_setting,
                    {.message = "probation is negative", .hint = "set it to 0 or more"});
    return {};
}

void crash_guard::found(std::optional<offset> committed, std::string_view metadata,
                        steady_time now) noexcept {
    if (stage_ != stage::asking) return;
    const life_note earlier = life_note::read(metadata);
    since_ = now;
    starts_ = committed ? earlier.starts + 1 : 1;
    if (!committed) {
        stage_ = stage::unplaced;
        return;
    }
    condemned_ = earlier.suspect;
    position_ = committed_ = *committed;
    stage_ = stage::announcing;
}

void crash_guard::took(offset which) noexcept {
    if (stage_ == stage::unplaced) {
        position_ = committed_ = which;
        stage_ = stage::announcing;
    } else if (stage_ == stage::careful) {
        if (condemned_ != which) condemned_.reset(); // it is gone from the log
        named_ = which;
        stage_ = condemned_ == which ? stage::condemned : stage::naming;
    }
}

void crash_guard::committed(offset next, std::string_view metadata, steady_time now) noexcept {
    committed_ = std::max(committed_, next);
    is_named_ = !condemned_ && life_note::read(metadata).suspect.has_value();
    if (stage_ == stage::announcing && metadata == note(next)) return be_ready(now);
    if (stage_ == stage::naming && metadata == note(next)) stage_ = stage::alone;
}

void crash_guard::be_ready(steady_time now) noexcept {
    since_ = now;
    if (condemned_ || starts_ >= settings_.suspect_after)
        stage_ = stage::careful;
    else
        stage_ = starts_ > 1 ? stage::windowed : stage::free;
}

void crash_guard::progress(offset first, offset frontier, bool put_off, steady_time now) noexcept {
    position_ = first; // what the log does not have is no progress
    moved_ |= frontier > *position_;
    switch (stage_) {
    case stage::alone:
        if (frontier > *named_)
            ++alone_ < window&& now - since_ < settings_.probation ? void(stage_ = stage::careful)
                                                                   : over(now);
        else if (put_off)
            over(now);
        break;
    case stage::condemned:
        if (frontier <= *named_) break;
        over(now);
        is_named_ = true; // at the broker, until the next commit
        break;
    case stage::windowed:
        if (now - since_ >= settings_.probation) stage_ = stage::free;
        break;
    default:
        break;
    }
}

// Nobody is named any more. What is begun from now on is watched a little longer.
void crash_guard::over(steady_time now) noexcept {
    stage_ = stage::windowed;
    since_ = now;
    cleared_ = true;
    named_.reset();
    condemned_.reset();
}

// A record that is condemned and not elsewhere yet would kill the next life too: it stays named.
void crash_guard::leave() noexcept {
    if (!condemned_) cleared_ = true;
}

std::size_t crash_guard::room(offset end, std::size_t most) const noexcept {
    if (stage_ == stage::free) return most;
    if (!may_run() || stage_ != stage::windowed) return 0;
    const std::int64_t left = window - std::max<std::int64_t>(0, end.value - committed_.value);
    return std::min(most, static_cast<std::size_t>(std::max<std::int64_t>(0, left)));
}

std::string crash_guard::note(offset next) const {
    if (settings_.suspect_after == 0) return {};
    if (condemned_) return life_note{starts_, condemned_}.text();
    if (cleared_) return life_note{}.text();
    if (stage_ == stage::naming || stage_ == stage::alone) return life_note{starts_, named_}.text();
    const bool begins = stage_ == stage::careful || !position_ || next <= *position_;
    return life_note{begins ? starts_ : 0}.text();
}

std::string_view to_string(crash_guard::stage which) noexcept {
    switch (which) {
    case crash_guard::stage::asking:
        return "asking";
    case crash_guard::stage::unplaced:
        return "unplaced";
    case crash_guard::stage::announcing:
        return "announcing";
    case crash_guard::stage::free:
        return "free";
    case crash_guard::stage::windowed:
        return "windowed";
    case crash_guard::stage::careful:
        return "careful";
    case crash_guard::stage::naming:
        return "naming";
    case crash_guard::stage::alone:
        return "alone";
    case crash_guard::stage::condemned:
        break;
    }
    return "condemned";
}

} // namespace corvid

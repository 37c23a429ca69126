// SPDX-License-Identifier: Apache-2.0
//
// bulkhead: at most so many at once inside, a bounded queue in front, first come first served.
//
// slots: who may enter, as a pure value. bulkhead: the same for several threads; coroutines wait for a place
// on their own loop, for a bounded time, all others ask and are told.
//
// Invariants: never more than at_once inside, never more than `waiting` in the queue; a place that is left
// goes to the one that has waited longest, and to nobody else.
#pragma once

#include <corvid/base/operation.hpp>
#include <corvid/middleware/settings.hpp>

#include <mutex>

namespace corvid {

class slots {
public:
    slots(std::size_t at_once, std::size_t most_waiting) noexcept : at_once_(at_once), most_(most_waiting) {}

    enum class answer : std::uint8_t { enter, wait, refuse };
    /// Somebody comes who could wait.
    [[nodiscard]] answer ask() noexcept;
    /// Somebody comes who could not.
    [[nodiscard]] bool try_enter() noexcept;
    /// Somebody leaves; true: the place goes to the one that has waited longest, who is inside now.
    [[nodiscard]] bool leave() noexcept;
    /// One who waited goes away.
    void give_up() noexcept { --waiting_; }

    [[nodiscard]] std::size_t inside() const noexcept { return inside_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    std::size_t at_once_, most_;
    std::size_t inside_ = 0, waiting_ = 0;
};

class bulkhead {
public:
    explicit bulkhead(const bulkhead_settings& settings)
        : settings_(settings), slots_(settings.at_once, settings.waiting) {}
    bulkhead(const bulkhead&) = delete;
    bulkhead& operator=(const bulkhead&) = delete;

    /// A place, if one is free and nobody waits. Any thread.
    [[nodiscard]] bool try_enter() noexcept;
    /// Gives it up. Any thread.
    void leave() noexcept;

    /// Waits for a place as long as the settings say; answers whether there is one. In a corvid::task only.
    class entry;
    [[nodiscard]] entry enter() noexcept;

    [[nodiscard]] const bulkhead_settings& settings() const noexcept { return settings_; }

private:
    void forget(entry& gone) noexcept;

    const bulkhead_settings settings_;
    std::mutex mutex_;
    slots slots_;
    entry* first_ = nullptr; // those that wait
    entry* last_ = nullptr;
};

class bulkhead::entry : public operation<entry, bool> {
public:
    explicit entry(bulkhead& of) noexcept : of_(of), patience_(*this) {}
    /// Not moved: made in its place, by enter().
    bool start();
    [[nodiscard]] bool take() noexcept;

private:
    friend class bulkhead;
    struct patience : timer {
        explicit patience(entry& o) noexcept;
        entry& owner;
    };
    bulkhead& of_;
    patience patience_; // on the home loop
    entry* next_ = nullptr;
    entry* previous_ = nullptr;
    bool queued_ = false;
    bool inside_ = false;
};

inline bulkhead::entry bulkhead::enter() noexcept { return entry(*this); }

} // namespace corvid

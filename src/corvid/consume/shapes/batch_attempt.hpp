// SPDX-License-Identifier: Apache-2.0
//
// batch_attempt: one attempt at a batch, in bytes: which of its records a handler gets, what becomes of them
// when it fails, and what each run is told in the end. batch_handler.hpp calls the user's function.
//
//   gather ─▶ next() ─▶ the function ─▶ answer() or failed() ─▶ next() … none left ─▶ finish()
//
// The records that are handed over are numbered from 0, those of one key one behind the other. A range of
// them that fails is halved until the records that fail stand alone; a record that is behind one of its run
// that failed is not handed over any more, and comes again. Used by one thread at a time.
#pragma once

#include <corvid/consume/handler.hpp>

#include <optional>
#include <span>
#include <vector>

namespace corvid {

/// What becomes of a batch whose handler throws or says retry. Where it throws corvid::rejected its records
/// are always singled out, and where it throws corvid::fatal the service stops.
enum class when_batch_fails : std::uint8_t {
    again, ///< all of it together after the back-off; when the attempts are used up, as `halve`
    halve, ///< in halves, at once, until the records that fail stand alone: only these are tried again later
};

/// What became of each record of a batch; done unless it is said otherwise.
class batch_outcomes {
public:
    explicit batch_outcomes(std::size_t size) : all_(size, outcome(verdict::done)) {}
    template <class T>
    explicit batch_outcomes(std::span<T> batch) : batch_outcomes(batch.size()) {}
    batch_outcomes(std::vector<outcome> all) noexcept : all_(std::move(all)) {}

    [[nodiscard]] outcome& operator[](std::size_t at) noexcept { return all_[at]; }
    [[nodiscard]] const outcome& operator[](std::size_t at) const noexcept { return all_[at]; }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

private:
    std::vector<outcome> all_;
};

class batch_attempt {
public:
    struct settings {
        when_batch_fails then = when_batch_fails::again;
        int attempts = 1; ///< with `again`: how many there are
    };
    struct range {
        std::size_t from, to;
        [[nodiscard]] std::size_t size() const noexcept { return to - from; }
    };

    /// `first` and what is beside it.
    batch_attempt(run& first, const settings& chosen) noexcept : first_(first), settings_(chosen) {}

    /// How many records it has, handed over or not.
    [[nodiscard]] std::size_t records() const noexcept;
    /// decode(const run&, held_record&) -> result<void>: whether the record can be handed over. One that
    /// cannot goes to the dead letters.
    template <class F>
    void gather(F&& decode) {
        for (run* each = &first_; each; each = each->beside()) {
            const std::size_t from = entries_.size();
            std::size_t left = each->size();
            for (held_record* r = each->held(); left-- > 0 && may_add(*each, *r, from);
                 r = left > 0 ? r->following() : nullptr)
                if (!is_settled(*each, *r)) add(*each, *r, decode(*each, *r));
        }
        begin();
    }

    /// What the function gets next; none when it is over.
    [[nodiscard]] std::optional<range> next() noexcept;
    void answer(const range& of, const outcome& what);
    void answer(const range& of, const batch_outcomes& each);
    /// It threw what outcome_of_current_exception() says.
    void failed(const range& of, const outcome& why);

    /// What is said of a batch whose handler says an outcome each, and not as many.
    [[nodiscard]] static outcome wrong_size(std::size_t said, std::size_t records);

    // Where some of a range are not handed over after all, or are handed over once more:
    /// Those of the range for which `which` is true, in their order, moved to its front; nothing is said of
    /// the others.
    [[nodiscard]] range keep(const range& of, const std::vector<bool>& which);
    void say(std::size_t handed, const outcome& what) { entries_[handed_[handed]].said = what; }
    /// next() gives it, unless it is empty.
    void again(const range& of) {
        if (of.size() > 0) open_.push_back(of);
    }
    /// Whether the two, one behind the other, are of one run.
    [[nodiscard]] bool is_behind(std::size_t handed, std::size_t before) const noexcept {
        return entries_[handed_[handed]].of == entries_[handed_[before]].of;
    }

    /// What was published for the record in the call that is over: it is done when that is acknowledged.
    void published(std::size_t handed, publish_tally& made) noexcept;

    /// Tells each run what became of its records, and ends all but the first.
    void finish() noexcept;

    [[nodiscard]] held_record& record_at(std::size_t handed) const noexcept {
        return *entries_[handed_[handed]].what;
    }
    [[nodiscard]] const run& run_of(std::size_t handed) const noexcept {
        return *entries_[handed_[handed]].of;
    }
    /// The highest of its records.
    [[nodiscard]] int attempt() const noexcept;

private:
    struct entry {
        run* of;
        held_record* what;
        std::optional<outcome> said; ///< none: it was not handed over, or nobody said
        publish_tally* made = nullptr;
    };
    [[nodiscard]] bool may_add(const run& of, const held_record& what, std::size_t from) const noexcept;
    [[nodiscard]] bool is_settled(run& of, held_record& what);
    void add(run& of, held_record& what, result<void> decoded);
    void begin();
    static void forget_published(entry& of) noexcept;
    [[nodiscard]] static bool is_acknowledged(const entry& of) noexcept;
    [[nodiscard]] bool is_behind_a_failure(std::size_t handed) const noexcept;
    void halve(const range& of);
    void finish(run& of, std::size_t& at) noexcept;

    run& first_;
    settings settings_;
    std::vector<entry> entries_;
    std::vector<std::size_t> handed_; ///< entries
    std::vector<range> open_;         ///< what is to be handed over, the next one last
    bool is_whole_ = true;            ///< nothing has been halved
};

} // namespace corvid

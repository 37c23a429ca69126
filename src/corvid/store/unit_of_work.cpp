// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/unit_of_work.hpp>

#include <algorithm>

namespace corvid::store {

namespace {

std::vector<commit_hook*> hooks_of(std::span<unit_of_work* const> units) {
    std::vector<commit_hook*> hooks;
    for (const unit_of_work* unit : units)
        for (const auto& [hook, place] : unit->hooks())
            if (std::ranges::find(hooks, hook.get()) == hooks.end()) hooks.push_back(hook.get());
    return hooks;
}

} // namespace

void run_before_commit(std::span<unit_of_work* const> units, const dialect& dialect,
                       std::vector<statement>& into) {
    for (commit_hook* hook : hooks_of(units))
        hook->before_commit(units, dialect, into);
}

void run_after_commit(std::span<unit_of_work* const> units) noexcept {
    for (commit_hook* hook : hooks_of(units))
        hook->after_commit(units);
}

} // namespace corvid::store

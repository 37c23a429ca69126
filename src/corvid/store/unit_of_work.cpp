// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/unit_of_work.hpp>

#include <algorithm>

namespace corvid {

task<result<store::answer>> unit_of_work::ask(unit_of_work& self, store::statement question) {
    if (!self.reader_) {
        if (!self.opener_)
            co_return fail(errc::invalid_argument, {.message = "this unit only records",
                                                    .hint = "ask the database itself, or a transaction",
                                                    .operation = "query"});
        auto opened = co_await self.opener_->open(self.tag_);
        if (!opened) co_return fail(std::move(opened.error()));
        self.reader_ = *std::move(opened);
    }
    self.asked_ = true;
    co_return co_await self.reader_->ask(self, std::move(question));
}

namespace store {

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

void run_after_commit(std::span<unit_of_work* const> units, session_lender* lender) noexcept {
    for (commit_hook* hook : hooks_of(units))
        hook->after_commit(units, lender);
}

} // namespace store
} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/detail/probe.hpp>

#include <algorithm>

namespace corvid::testing::detail {

/// The run of one record that the inner handler sees.
class probe::single final : public run {
public:
    single(scheduler& loop, probe& by) : run(loop, &by), loop_of(loop) {}
    scheduler& loop_of;
    run* outer = nullptr;
    handled_record what;
};

std::unique_ptr<handler> probe::around(std::unique_ptr<handler> inner, instance& of,
                                       const std::string& group) {
    if (inner->needs_whole_runs()) {
        of.has_batches |= dynamic_cast<const pull_handler*>(inner.get()) == nullptr; // a stream calls nobody
        return inner;
    }
    return std::make_unique<probe>(std::move(inner), of, group);
}

probe::probe(std::unique_ptr<handler> inner, instance& of, std::string group)
    : inner_(std::move(inner)), of_(of), group_(std::move(group)) {}

probe::~probe() = default;

void probe::start(run& records) noexcept {
    if (of_.is_dead()) return; // for ever at work
    scheduler& loop = *scheduler::current();
    auto found = std::ranges::find_if(idle_, [&](const single* one) { return &one->loop_of == &loop; });
    if (found == idle_.end()) {
        idle_.push_back(all_.emplace_back(std::make_unique<single>(loop, *this)).get());
        found = std::prev(idle_.end());
    }
    single& mine = **found;
    idle_.erase(found);
    mine.outer = &records;
    go_on(mine);
}

void probe::asked_to_stop(run& records) noexcept {
    for (const auto& each : all_)
        if (each->outer == &records && !of_.is_dead()) inner_->asked_to_stop(*each);
}

void probe::go_on(single& at) noexcept {
    while (at.outer->has_next()) {
        if (of_.is_muzzled()) {
            if (of_.is_dead()) return;
            at.outer->complete(done);
            continue;
        }
        if (!begin(at)) return;
        at.over_current_of(*at.outer);
        if (!at.run::start(*inner_)) return;
        if (!settle(at)) return;
    }
    put_back(at);
}

bool probe::begin(single& at) {
    const run& outer = *at.outer;
    const record& r = outer.current();
    at.what = {.instance = of_.name(),
               .group = group_,
               .where = outer.origin().where,
               .offset = offset(r.offset),
               .key = r.key ? std::optional(std::string(r.key.text())) : std::nullopt,
               .attempt = outer.attempt(),
               .what = verdict::done,
               .why = {},
               .began = of_.around().log.now(),
               .ended = {},
               .tenancy = of_.given[{group_, outer.origin().where}]};
    if (!of_.passes(moment::before_handler, group_)) return false;
    of_.around().log.handler_begins(at.what);
    ++of_.at_work;
    return true;
}

void probe::came_back(run& over) noexcept {
    auto& at = static_cast<single&>(over);
    if (settle(at)) go_on(at);
}

// False: there is nothing more to do for this run.
bool probe::settle(single& at) {
    if (of_.is_dead()) return false;
    --of_.at_work;
    outcome what = at.undecided() ? *at.undecided() : outcome(at.skipped() > 0 ? skip : done);
    const bool left_over = !at.undecided() && !at.is_finished();
    at.what.what = left_over ? verdict::retry : what.kind();
    at.what.why = left_over ? "left over" : what.why() ? what.why()->describe() : std::string();
    at.what.ended = of_.around().log.now();
    of_.around().log.handler_ended(at.what);
    if (!of_.passes(moment::after_handler, group_)) return false;
    if (left_over) {
        if (at.not_before()) at.outer->leave_over(*at.not_before());
        put_back(at);
        return false;
    }
    at.outer->complete(std::move(what));
    return true;
}

void probe::put_back(single& at) noexcept {
    run& over = *std::exchange(at.outer, nullptr);
    idle_.push_back(&at);
    over.end();
}

} // namespace corvid::testing::detail

// SPDX-License-Identifier: Apache-2.0
//
// group_loop's side of positions that completion stages keep (docs/decisions/0017).
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/shapes/completion_stage.hpp>

#include <algorithm>

namespace corvid {

namespace {

constexpr std::chrono::seconds patience_with_broker(5);

std::vector<found_range> read_ranges(broker::cluster& cluster, const std::vector<start_search::one>& wanted) {
    std::vector<found_range> all;
    const auto admin = cluster.open_admin();
    for (const auto& each : wanted) {
        if (!each.position) continue;
        all.push_back({each.of, admin->range_of(each.where, patience_with_broker)});
        if (!all.back().range) break; // the others would wait as long
    }
    return all;
}

} // namespace

tenancy* group_loop::tenancy_of(epoch of) const noexcept {
    const auto found =
        std::ranges::find_if(tenancies_, [&](const auto& each) { return each->which.since == of; });
    return found == tenancies_.end() ? nullptr : found->get();
}

void group_loop::accept(std::vector<broker::start_at> starts) {
    start_search search{.starts = std::move(starts)};
    for (const auto& start : search.starts)
        for (const auto& each : tenancies_)
            if (each->slot == start.id && each->keeper)
                search.wanted.push_back({.of = each->which.since, .where = each->origin.where});
    if (search.wanted.empty()) return source_->accept(search.starts);
    search_.emplace(std::move(search));
    ask_positions();
}

void group_loop::ask_positions() {
    if (!search_) return;
    for (auto& each : search_->wanted) {
        if (each.is_found || std::exchange(each.is_asked, true)) continue;
        const tenancy* const of = tenancy_of(each.of);
        of->keeper->find(each.where,
                         [door = door_, loop = loop_, which = each.of](result<std::optional<offset>> found) {
                             door->post(*loop, [which, found = std::move(found)](group_loop& self) {
                                 self.position_found(which, found);
                             });
                         });
    }
    if (!search_->is_answered && !search_->asker) ask_ranges();
}

void group_loop::position_found(epoch of, const result<std::optional<offset>>& found) {
    if (!search_) return;
    const auto its = std::ranges::find(search_->wanted, of, &start_search::one::of);
    if (its == search_->wanted.end()) return;
    if (!found) {
        its->is_asked = false; // the next tick asks again
        log_.warn("the position of a partition could not be read; it is asked again", found.error());
        return;
    }
    its->is_found = true;
    its->position = *found;
    if (std::ranges::all_of(search_->wanted, &start_search::one::is_found)) ask_ranges();
}

void group_loop::ask_ranges() {
    if (std::ranges::none_of(search_->wanted, [](const auto& each) { return each.position.has_value(); }))
        return finish_search();
    search_->is_answered = false;
    search_->asker = root_.run_thread("corvid-ranges", [door = door_, loop = loop_, &cluster = cluster_,
                                                        wanted = search_->wanted](scheduler&) {
        door->post(*loop, [all = read_ranges(cluster, wanted)](group_loop& self) { self.ranges_found(all); });
    });
}

void group_loop::ranges_found(const std::vector<found_range>& all) {
    if (!search_ || search_->is_answered) return;
    search_->asker.reset();
    for (const found_range& each : all)
        if (!each.range && each.range.error().kind() == error_kind::retriable) {
            log_.warn("the range of a log could not be read; it is asked again", each.range.error());
            return; // by the next tick
        }
    search_->is_answered = true;
    for (const found_range& each : all) {
        tenancy& of = *tenancy_of(each.of);
        const auto its = std::ranges::find(search_->wanted, each.of, &start_search::one::of);
        const auto fits = each.range ? of.keeper->check(its->where, *its->position, *each.range)
                                     : result<void>(fail(each.range.error()));
        if (!fits) {
            stop_partition(of, "a partition stops: it cannot be read from its position", fits.error());
            its->position.reset();
        }
    }
    finish_search();
}

void group_loop::finish_search() {
    for (const auto& each : search_->wanted) {
        tenancy& of = *tenancy_of(each.of);
        of.position = each.position;
        for (auto& start : search_->starts)
            if (start.id == of.slot) start.at = each.position;
    }
    const std::vector<broker::start_at> starts = std::move(search_->starts);
    search_.reset();
    source_->accept(starts);
    ask_starts();
    pump_later();
}

// The group is left: what was assigned is not read, and goes back.
void group_loop::forget_search() {
    if (!search_) return;
    for (const auto& each : search_->wanted)
        if (tenancy* const of = tenancy_of(each.of)) of->by.cut_off(*of);
    const std::vector<broker::start_at> starts = std::move(search_->starts);
    search_.reset();
    if (source_) source_->accept(starts);
}

std::function<void(const error&)> group_loop::when_moved_back(tenancy& which) {
    return [door = door_, loop = loop_, of = which.which.since](const error& why) {
        door->post(*loop, [of, why](group_loop& self) { self.moved_back(of, why); });
    };
}

// There is no seek: what was read is let go, and everything begins at its position anew.
void group_loop::moved_back(epoch of, const error& why) {
    if (!tenancy_of(of) || !source_ || phase_ != phase::working) return;
    log_.error("a position was moved back: the consumer is replaced", why,
               {{"after_ms", reopen_after_.count()}});
    drop_all();
    abandon_source();
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/exactly_once/group_inbox.hpp>

#include <corvid/consume/shapes/publish_tally.hpp>

namespace corvid {

namespace {

inbox_settings settings_of(const std::string& group, const exactly_once_settings& how) {
    return {.group = group,
            .retention = how.retention,
            .redelivery_window = how.redelivery_window,
            .allow_short_retention = how.allow_short_retention};
}

void tell(std::vector<settled> done) {
    for (settled& each : done) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the address of the tally, as it was handed in
        auto& tally = *reinterpret_cast<publish_tally*>(static_cast<std::uintptr_t>(each.tag));
        if (each.outcome)
            tally.answered(std::nullopt);
        else
            tally.refused(std::move(each.outcome.error()));
    }
}

} // namespace

group_inbox::group_inbox(std::string group, const exactly_once_settings& how)
    : group_(std::move(group)), how_(how) {
    if (!how_.into)
        throw config_error(error(errc::invalid_setting, {.message = "exactly_once names no database",
                                                         .hint = "set exactly_once = corvid::in(database)",
                                                         .operation = "subscribe"}));
    if (auto valid = validate(settings_of(group_, how_)); !valid)
        throw config_error(std::move(valid.error()));
    if (auto valid = validate(how_.writer); !valid) throw config_error(std::move(valid.error()));
}

void group_inbox::open(metrics* figures, const logger& log) {
    database& db = *how_.into;
    trouble_.emplace(log, group_, db.settings().name);
    marks_.emplace(db, settings_of(group_, how_), figures);
    struct steps {
        static task<result<int>> run(inbox& marks) {
            auto making = marks.migrate();
            co_return co_await making;
        }
    };
    if (auto made = wait_for(db.threads(), db.loop(), steps::run(*marks_)); !made)
        throw config_error(std::move(made.error()));
    if (how_.by == effect_mark::by_offset) {
        by_offset_.emplace(
            db, group_, [this](offset_writer::news what) { told(std::move(what)); }, how_.writer, figures,
            &*trouble_);
        return;
    }
    marks_->keep_clean();
    writer_.emplace(db, group_, tell, how_.writer, figures, &*trouble_);
}

std::uint64_t group_inbox::new_ticket(std::function<void(const error&)> lost) {
    const std::lock_guard lock(mutex_);
    when_lost_.emplace(++tickets_, std::move(lost));
    return tickets_;
}

void group_inbox::end_ticket(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    when_lost_.erase(ticket);
}

void group_inbox::told(offset_writer::news what) {
    tell(std::move(what.effects));
    if (!what.lost) return;
    std::function<void(const error&)> then;
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = when_lost_.find(what.of); known != when_lost_.end()) then = known->second;
    }
    if (then) then(*what.lost);
}

void group_inbox::close() {
    writer_.reset();
    by_offset_.reset();
    marks_.reset();
}

} // namespace corvid

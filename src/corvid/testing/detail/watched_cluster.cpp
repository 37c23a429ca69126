// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/detail/watched_cluster.hpp>

#include <corvid/lanes/crash_guard.hpp>

#include <algorithm>
#include <set>

namespace corvid::testing::detail {

namespace {

std::string list_of(const std::vector<broker::assigned_partition>& partitions) {
    std::string text;
    for (const auto& each : partitions)
        text += (text.empty() ? "" : " ") + to_string(each.where);
    return text.empty() ? "nothing" : text;
}

class watched_source final : public broker::record_source,
                             public broker::offset_committer,
                             private broker_end {
public:
    watched_source(instance& of, std::string group, broker::group_member inner)
        : of_(of), group_(std::move(group)), inner_(std::move(inner)) {
        of_.ends.push_back(this);
    }
    ~watched_source() override { std::erase(of_.ends, static_cast<broker_end*>(this)); }

    [[nodiscard]] std::optional<broker::source_event> next_event() override {
        if (is_gone()) return std::nullopt;
        auto event = inner_.source->next_event();
        if (event) std::visit([this](const auto& e) { look_at(e); }, *event);
        return event;
    }
    void accept(std::span<const broker::start_at> partitions) override {
        if (!is_gone()) inner_.source->accept(partitions);
    }
    void release() override {
        if (is_gone()) return;
        if (revoked_) of_.around().log.note(of_.name(), "gives back what " + group_ + " asked for");
        for (const auto& each : revoked_ ? revoked_->partitions : std::vector<broker::assigned_partition>{}) {
            const std::uint64_t number = of_.given[{group_, each.where}];
            held_.erase(each.where);
            of_.around().log.heard(number);
            of_.around().log.released(number, revoked_->lost);
        }
        revoked_.reset();
        inner_.source->release();
    }
    [[nodiscard]] record_batch take(broker::slot from, std::size_t most) override {
        return is_gone() || of_.is_muzzled() ? record_batch() : inner_.source->take(from, most);
    }
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override {
        return is_gone() ? broker::partition_progress{} : inner_.source->progress(of);
    }
    void close() override {
        if (!is_gone()) inner_.source->close();
    }

    void commit(broker::offset_request& request) override {
        const auto asked = request.offsets;
        const bool moves = says_what_is_done(asked);
        if (is_gone() || (moves && !of_.passes(moment::before_commit, group_))) return;
        inner_.offsets->commit(request);
        journal& log = of_.around().log;
        for (std::size_t i = 0; i < asked.size(); ++i)
            log.committed({.instance = of_.name(),
                           .group = group_,
                           .where = asked[i].where,
                           .next = asked[i].next.value_or(offset(-1)),
                           .accepted = !request.failure && !request.offsets[i].failure,
                           .at = log.now(),
                           .tenancy = of_.given[{group_, asked[i].where}],
                           .held = held_.contains(asked[i].where)});
        if (moves) (void)of_.passes(moment::after_commit, group_);
    }
    void committed(broker::offset_request& request) override {
        if (!is_gone()) inner_.offsets->committed(request);
    }

private:
    /// Rather than that a member begins: a group writes that down with its position (crash_guard).
    [[nodiscard]] static bool says_what_is_done(const std::vector<broker::committed_offset>& asked) {
        return std::ranges::any_of(
            asked, [](const auto& each) { return life_note::read(each.metadata).starts == 0; });
    }
    [[nodiscard]] bool is_gone() const noexcept { return !inner_.source || of_.is_dead(); }
    void cut() noexcept override { inner_.source.reset(); }

    void look_at(const broker::assigned& event) {
        of_.around().log.note(of_.name(), group_ + " gives it " + list_of(event.partitions));
        for (const auto& each : event.partitions) {
            held_.insert(each.where);
            of_.given[{group_, each.where}] = of_.around().log.given(of_.name(), group_, each.where);
        }
    }
    void look_at(const broker::revoked& event) {
        revoked_ = event;
        of_.around().log.note(of_.name(), group_ + (event.lost ? " took away " : " asks for ") +
                                              list_of(event.partitions));
        for (const auto& each : event.partitions) {
            const std::uint64_t number = of_.given[{group_, each.where}];
            of_.around().log.asked_for(number);
            if (!event.lost) continue;
            held_.erase(each.where);
            of_.around().log.heard(number);
            of_.around().log.released(number, true);
        }
    }
    void look_at(const broker::source_error& event) {
        of_.around().log.note(of_.name(), "consumer of " + group_ + ": " + event.why.describe());
    }
    void look_at(const broker::closed&) { of_.around().log.note(of_.name(), "left " + group_); }

    instance& of_;
    std::string group_;
    broker::group_member inner_;
    std::optional<broker::revoked> revoked_;
    std::set<topic_partition> held_; // neither given back nor told to be lost
};

class watched_sink final : public broker::record_sink, private broker_end {
public:
    watched_sink(instance& of, std::unique_ptr<broker::record_sink> inner)
        : of_(of), inner_(std::move(inner)) {
        of_.ends.push_back(this);
    }
    ~watched_sink() override { std::erase(of_.ends, static_cast<broker_end*>(this)); }

    [[nodiscard]] result<broker::sink_topic*> topic(const topic_name& name) override {
        if (is_gone()) return gone();
        if (auto known = inner_->topic(name)) return known;
        of_.around().ensure_topic(name);
        return inner_->topic(name);
    }
    [[nodiscard]] result<void> send(const broker::outgoing& record) noexcept override {
        if (is_gone()) return gone();
        awaited_.insert(record.node);
        const std::string& to = record.topic->name().str();
        const bool dead_letter = to.ends_with(".dlq");
        if (!of_.passes(dead_letter ? moment::before_dead_letter : moment::before_send, to)) return gone();
        auto sent = inner_->send(record);
        of_.around().log.note(of_.name(), (sent ? "sends to " : "may not send to ") + to + " key " +
                                              (record.key ? std::string(record.key.text()) : "(none)"));
        (void)of_.passes(dead_letter ? moment::after_dead_letter : moment::after_send, to);
        return sent;
    }
    void hurry() noexcept override {
        if (!is_gone()) inner_->hurry();
    }
    void purge() noexcept override {
        if (!is_gone()) inner_->purge();
    }
    [[nodiscard]] std::size_t unreported() const noexcept override {
        return is_gone() ? 0 : inner_->unreported();
    }
    result<void> close(std::chrono::milliseconds patience) override {
        return is_gone() ? result<void>() : inner_->close(patience);
    }

private:
    [[nodiscard]] bool is_gone() const noexcept { return !inner_ || of_.is_dead(); }
    [[nodiscard]] static std::unexpected<error> gone() {
        return fail(errc::producer_closed, {.message = "the process is dead", .operation = "send"});
    }
    void cut() noexcept override { inner_.reset(); }

    instance& of_;
    std::unique_ptr<broker::record_sink> inner_;
    /// Who ever waited for an answer: when the instance dies, leak checkers see by these what is held.
    std::set<const broker::send_node*> awaited_;
};

class watched_reader final : public broker::partition_reader, private broker_end {
public:
    watched_reader(instance& of, std::unique_ptr<broker::partition_reader> inner)
        : of_(of), inner_(std::move(inner)) {
        of_.ends.push_back(this);
    }
    ~watched_reader() override { std::erase(of_.ends, static_cast<broker_end*>(this)); }

    [[nodiscard]] record_batch take(std::size_t most) override {
        return is_gone() || of_.is_muzzled() ? record_batch() : inner_->take(most);
    }
    [[nodiscard]] bool is_at_end() const override { return !is_gone() && inner_->is_at_end(); }
    [[nodiscard]] std::optional<error> take_trouble() override {
        return is_gone() ? std::nullopt : inner_->take_trouble();
    }

private:
    [[nodiscard]] bool is_gone() const noexcept { return !inner_ || of_.is_dead(); }
    void cut() noexcept override { inner_.reset(); }

    instance& of_;
    std::unique_ptr<broker::partition_reader> inner_;
};

} // namespace

broker::group_member watched_cluster::join(const broker::source_settings& settings, scheduler& loop,
                                           broker::source_listener& listener) {
    auto& around = of_.around();
    for (const topic_name& name : settings.topics) {
        around.ensure_topic(name);
        around.log.group(settings.group).topics.insert(name.str());
    }
    auto made =
        std::make_unique<watched_source>(of_, settings.group, around.broker.join(settings, loop, listener));
    broker::offset_committer* offsets = made.get();
    return {.source = std::move(made), .offsets = offsets};
}

std::unique_ptr<broker::record_sink> watched_cluster::open_sink(const broker::sink_settings& settings,
                                                                scheduler& delivery,
                                                                broker::sink_listener& listener) {
    return std::make_unique<watched_sink>(of_, of_.around().broker.open_sink(settings, delivery, listener));
}

std::unique_ptr<broker::partition_reader> watched_cluster::read(const topic_partition& where,
                                                                const broker::reader_settings& settings,
                                                                scheduler& loop,
                                                                broker::source_listener& listener) {
    of_.around().ensure_topic(where.topic);
    return std::make_unique<watched_reader>(of_, of_.around().broker.read(where, settings, loop, listener));
}

std::unique_ptr<broker::admin> watched_cluster::open_admin() { return of_.around().broker.open_admin(); }

} // namespace corvid::testing::detail

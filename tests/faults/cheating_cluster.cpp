// SPDX-License-Identifier: Apache-2.0
#include "cheating_cluster.hpp"

#include <utility>

namespace corvid::faults {
namespace {

class cheating_member final : public broker::record_source, public broker::offset_committer {
public:
    cheating_member(broker::group_member of, scheduler& loop, cheats how,
                    std::shared_ptr<cheating_cluster::positions_kept> kept)
        : of_(std::move(of)), loop_(loop), how_(how), kept_(std::move(kept)) {}

    std::optional<broker::source_event> next_event() override {
        auto event = of_.source->next_event();
        while (const auto* trouble = event ? std::get_if<broker::source_error>(&*event) : nullptr) {
            is_away_ |= how_.stays_away && trouble->why == errc::broker_unreachable;
            if (!how_.tells_no_trouble) break;
            event = of_.source->next_event();
        }
        if (const auto* back = event ? std::get_if<broker::revoked>(&*event) : nullptr; back && back->lost)
            kept_->before = kept_->latest;
        return event;
    }

    void accept(std::span<const broker::start_at> partitions) override {
        std::vector<broker::start_at> all(partitions.begin(), partitions.end());
        for (auto& one : all)
            if (how_.from_beginning) one.at = offset(0);
        of_.source->accept(all);
    }

    record_batch take(broker::slot from, std::size_t most) override {
        if (is_away_) return {};
        record_batch batch = of_.source->take(from, most);
        if (how_.drops && !batch.empty() && ++batches_ % 5 == 0) return of_.source->take(from, most);
        return batch;
    }

    void commit(broker::offset_request& request) override {
        if (how_.no_last_commit && leaves_) return loop_.post(request);
        for (auto& one : request.offsets) {
            const auto old = kept_->before.find(one.where);
            if (how_.keeps_positions && old != kept_->before.end()) one.next = old->second;
            kept_->latest.insert_or_assign(one.where, *one.next);
        }
        of_.offsets->commit(request);
    }

    void committed(broker::offset_request& request) override { of_.offsets->committed(request); }
    void release() override { of_.source->release(); }
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override {
        return of_.source->progress(of);
    }
    void close() override {
        leaves_ = true;
        kept_->before = kept_->latest;
        of_.source->close();
    }

private:
    broker::group_member of_;
    scheduler& loop_;
    cheats how_;
    bool leaves_ = false, is_away_ = false;
    std::uint64_t batches_ = 0;
    std::shared_ptr<cheating_cluster::positions_kept> kept_;
};

} // namespace

broker::group_member cheating_cluster::join(const broker::source_settings& settings, scheduler& loop,
                                            broker::source_listener& listener) {
    auto member = std::make_unique<cheating_member>(of_.join(settings, loop, listener), loop, how_, kept_);
    broker::offset_committer* const offsets = member.get();
    return {.source = std::move(member), .offsets = offsets};
}

} // namespace corvid::faults

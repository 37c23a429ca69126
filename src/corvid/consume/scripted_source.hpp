// SPDX-License-Identifier: Apache-2.0
//
// scripted::source: a record_source for tests that say each event themselves. Two partitions of one topic
// with a few runs of records each; commits are kept by the cluster.
#pragma once

#include <corvid/broker/cluster.hpp>

#include <array>
#include <deque>
#include <utility>

namespace corvid::scripted {

inline const topic_name topic("test.event.made");
inline constexpr int a_run = 10;
inline constexpr int records = 30; ///< in each partition

inline broker::assigned_partition partition(std::uint32_t which) {
    return {broker::slot(which), {topic, partition_id(static_cast<std::int32_t>(which))}};
}

/// Of records whose bytes it keeps.
struct owner final : batch_owner {
    explicit owner(int& alive) : count(alive) { ++count; }
    ~owner() override { --count; }
    void read_headers(const record&, header_list&) const override {}
    int& count;
};

struct cluster;

struct source final : broker::record_source, broker::offset_committer {
    source(cluster& of, scheduler& on, broker::source_listener& tell)
        : owner_of(of), loop(on), listener(tell) {}

    void say(broker::source_event what) {
        events.push_back(std::move(what));
        listener.ready();
    }
    std::optional<broker::source_event> next_event() override {
        if (events.empty()) return std::nullopt;
        auto first = std::move(events.front());
        events.pop_front();
        return first;
    }
    void accept(std::span<const broker::start_at>) override {}
    void release() override { ++releases; }
    record_batch take(broker::slot from, std::size_t) override;
    broker::partition_progress progress(broker::slot) const override { return {}; }
    void close() override {
        if (answers_close) say(broker::closed{});
    }
    void commit(broker::offset_request& request) override;
    void committed(broker::offset_request& request) override { loop.post(request); }

    cluster& owner_of;
    scheduler& loop;
    broker::source_listener& listener;
    std::deque<broker::source_event> events;
    std::array<int, 2> next{};
    int releases = 0;
    bool answers_close = true;
};

struct cluster final : broker::cluster {
    broker::group_member join(const broker::source_settings&, scheduler& loop,
                              broker::source_listener& listener) override {
        auto made = std::make_unique<scripted::source>(*this, loop, listener);
        source = made.get();
        ++joins;
        return {std::move(made), source};
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings&, scheduler&,
                                                   broker::sink_listener&) override {
        return {};
    }
    std::unique_ptr<broker::admin> open_admin() override { return {}; }

    scripted::source* source = nullptr; ///< the latest
    int joins = 0;
    int batches = 0; ///< that live
    std::array<std::int64_t, 2> committed{};
};

inline record_batch source::take(broker::slot from, std::size_t) {
    int& at = next[static_cast<std::size_t>(from)];
    std::vector<record> made;
    for (int end = std::min(at + a_run, records); at < end; ++at)
        made.push_back({.key = {}, .value = R"({"row":0})", .offset = at, .timestamp = 0});
    if (made.empty()) return {};
    return {std::move(made), std::make_unique<owner>(owner_of.batches)};
}

inline void source::commit(broker::offset_request& request) {
    for (const auto& one : request.offsets)
        owner_of.committed[static_cast<std::size_t>(one.where.partition.value)] = one.next->value;
    loop.post(request);
}

} // namespace corvid::scripted

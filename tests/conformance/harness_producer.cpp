// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

namespace corvid::conformance {

namespace {

optional_bytes bytes_of(const std::optional<std::string>& text) {
    return text ? optional_bytes(std::string_view(*text)) : optional_bytes();
}

} // namespace

producer::producer(broker_under_test& under, broker::sink_settings settings)
    : under_(under), thread_(under.root().run_thread("producer", [](scheduler&) {})) {
    run_on(under_, loop(), [&] { sink_ = under_.cluster().open_sink(settings, loop(), *this); });
}

producer::~producer() {
    if (!closed_) std::ignore = close(under_.patience());
    run_on(under_, loop(), [&] { sink_.reset(); });
}

result<void> producer::close(std::chrono::milliseconds patience) {
    closed_ = true;
    return sink_->close(patience);
}

result<void> producer::send_with(const topic_name& topic, const to_send& what, node* with) {
    const auto resolved = sink_->topic(topic);
    if (!resolved) return fail(resolved.error());
    header_list headers;
    for (const auto& [name, value] : what.headers)
        headers.push_back({name, bytes_of(value)});
    return sink_->send({.topic = *resolved,
                        .key = bytes_of(what.key),
                        .value = bytes_of(what.value),
                        .headers = headers,
                        .timestamp = what.timestamp,
                        .choice = what.choice,
                        .node = with,
                        .generation = what.generation,
                        .is_transfer = what.is_transfer});
}

result<std::size_t> producer::send(const topic_name& topic, const to_send& what) {
    nodes_.emplace_back(*this, nodes_.size());
    const std::size_t number = nodes_.back().number;
    if (const auto sent = send_with(topic, what, &nodes_.back()); !sent) return fail(sent.error());
    return number;
}

result<void> producer::post(const topic_name& topic, const to_send& what) {
    return send_with(topic, what, nullptr);
}

std::map<std::size_t, errc> producer::send_together(const topic_name& topic,
                                                    const std::vector<to_send>& all) {
    std::vector<broker::outgoing> records;
    std::vector<header_list> headers(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        nodes_.emplace_back(*this, nodes_.size());
        for (const auto& [name, value] : all[i].headers)
            headers[i].push_back({name, bytes_of(value)});
        records.push_back({.topic = sink_->topic(topic).value(),
                           .key = bytes_of(all[i].key),
                           .value = bytes_of(all[i].value),
                           .headers = headers[i],
                           .timestamp = all[i].timestamp,
                           .choice = all[i].choice,
                           .node = &nodes_.back()});
    }
    std::map<std::size_t, errc> refused;
    for (const auto& each : sink_->send_all(records))
        refused[static_cast<std::size_t>(each.record - records.data())] = each.why.code();
    return refused;
}

result<delivery> producer::deliver(const topic_name& topic, const to_send& what) {
    const auto number = send(topic, what);
    if (!number) return fail(number.error());
    std::optional<fate> found;
    const steady_time limit = under_.root().steady_now() + under_.patience();
    while (!found && under_.root().steady_now() < limit) {
        run_on(under_, loop(), [&] {
            if (const auto known = tally_.fates.find(*number); known != tally_.fates.end())
                found = known->second;
        });
        if (!found) let_pass(under_, 1ms);
    }
    if (!found) return fail(errc::timed_out, {.message = "no report came", .operation = "send"});
    if (found->failure) return fail(*found->failure);
    return delivery{.topic = topic.str(),
                    .partition = partition_id(found->partition),
                    .offset = offset(found->offset),
                    .timestamp = wall_time(std::chrono::milliseconds(found->timestamp))};
}

void producer::deliver_numbers(const topic_partition& where, int from, int count) {
    const std::uint64_t before = reported().fates.size();
    for (const std::string& text : numbers(from, count)) {
        const auto sent =
            send(where.topic, {.value = text, .choice = broker::partition_choice::exactly(where.partition)});
        ASSERT_TRUE(sent) << sent.error().describe();
    }
    ASSERT_TRUE(await_reports(before + static_cast<std::uint64_t>(count)));
    for (const auto& [number, one] : reported().fates)
        ASSERT_FALSE(one.failure) << one.failure->describe();
}

producer::tally producer::reported() {
    tally copy;
    run_on(under_, loop(), [&] { copy = tally_; });
    return copy;
}

bool producer::await_reports(std::uint64_t records) {
    const steady_time limit = under_.root().steady_now() + under_.patience();
    for (;; let_pass(under_, 1ms)) {
        std::uint64_t seen = 0;
        run_on(under_, loop(),
               [&] { seen = tally_.node_records + tally_.posted_records[0] + tally_.posted_records[1]; });
        if (seen >= records) return true;
        if (under_.root().steady_now() >= limit) return false;
    }
}

void producer::delivered(broker::delivery_batch&& batch) noexcept {
    std::uint64_t counted = 0;
    while (work* next = batch.nodes.pop()) {
        const auto& one = static_cast<const node&>(static_cast<broker::send_node&>(*next));
        fate& known = tally_.fates[one.number];
        known = {.reports = known.reports + 1,
                 .partition = one.partition.value,
                 .offset = one.at.value,
                 .timestamp = one.timestamp,
                 .persisted = one.persisted,
                 .failure = one.failure};
        ++counted;
    }
    EXPECT_EQ(counted, batch.node_records);
    EXPECT_EQ(scheduler::current(), &loop());
    tally_.node_records += batch.node_records;
    tally_.node_bytes += batch.node_bytes;
    for (int i = 0; i < 2; ++i) {
        tally_.posted_records[i] += batch.posted_records[i];
        tally_.posted_bytes[i] += batch.posted_bytes[i];
    }
}

void producer::answered(broker::sink_topic&, duration took, std::uint64_t records) noexcept {
    tally_.answers.emplace_back(took, records);
}

void producer::post_failed(const broker::failed_post&) noexcept { ++tally_.failed_posts; }
void producer::broken(const error& why) noexcept { tally_.broke = why; }
void producer::warned(const error&) noexcept { ++tally_.warnings; }

} // namespace corvid::conformance

// SPDX-License-Identifier: Apache-2.0
#include "database_rig.hpp"

#include "../http_call.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <stdexcept>

namespace corvid::faults {
namespace {

constexpr const char* events_topic = "test.fault.effect";

/// Empty: this rig needs a server of its own.
std::string shared_server(const effects_settings& of) {
    const char* shared = std::getenv("CORVID_TEST_POSTGRES");
    return !shared || of.own_server || of.proxied || !of.server.empty() ? "" : shared;
}

std::string with_port(std::string url, std::uint16_t port) {
    const std::size_t colon = url.rfind(':');
    return url.replace(colon + 1, url.rfind('/') - colon - 1, std::to_string(port));
}

std::vector<std::string> orders_for(const effects_settings& of, const std::string& url) {
    std::vector<std::string> all{"database=" + url, "mark=" + of.mark};
    if (of.batches) all.emplace_back("batches=1");
    if (of.publishes) all.emplace_back("publishes=1");
    if (!of.bug.empty()) all.push_back("bug=" + of.bug);
    return all;
}

} // namespace

database_rig::database_rig(const std::string& test, effects_settings database, rig_settings settings)
    : database_(std::move(database)) {
    const std::string shared = shared_server(database_);
    if (shared.empty()) server_.emplace(database_.server);
    schema_ = "faults_" + std::to_string(std::random_device()());
    const std::string in_schema = "?application_name=" + schema_ + "&options=-csearch_path%3D" + schema_;
    url_ = (shared.empty() ? server_->url() : shared) + in_schema;
    std::string workers_url = url_;
    if (database_.proxied) {
        const std::uint16_t port = free_port();
        way_.emplace(std::vector<network::way>{{.listens = port, .leads_to = server_->port()}});
        workers_url = with_port(url_, port);
    }
    (void)rows_of(connect().get(),
                  "create schema " + schema_ +
                      "; create table effect(at bigserial primary key, id bigint not null, key bigint not "
                      "null, seq bigint not null, partition bigint not null, off bigint not null);"
                      "create table own_mark(id bigint primary key);"
                      "create table own_position(partition bigint primary key, next bigint not null)");
    const auto told = orders_for(database_, workers_url);
    settings.work.insert(settings.work.end(), told.begin(), told.end());
    if (database_.publishes) settings.own_broker = true; // the topic of events has one name
    stand_ = std::make_unique<rig>(test, std::move(settings));
    if (database_.publishes) stand_->make_topic(events_topic);
}

database_rig::~database_rig() {
    stand_ = nullptr;
    if (server_) return;
    try {
        (void)rows_of(connect().get(), "drop schema " + schema_ + " cascade");
    } catch (const std::exception&) { // the server goes soon enough
    }
}

std::uint64_t database_rig::effects() const {
    return std::stoull(rows_of(connect().get(), "select count(*) from effect")[0][0]);
}

bool database_rig::effects_everywhere(std::chrono::milliseconds patience) {
    const auto on = connect();
    const std::string last = rows_of(on.get(), "select coalesce(max(at), 0) from effect")[0][0];
    return stand_->eventually(
        [&] {
            return rows_of(on.get(), "select count(distinct partition) from effect where at > " +
                                         last)[0][0] == std::to_string(rig::partitions);
        },
        patience);
}

bool database_rig::events_left(std::chrono::milliseconds patience) {
    const auto on = connect();
    const std::string last = rows_of(on.get(), "select coalesce(max(seq), 0) from outbox")[0][0];
    return stand_->eventually(
        [&] {
            return rows_of(on.get(),
                           "select count(*) from outbox_status where state = 'pending' and seq <= " +
                               last)[0][0] == "0";
        },
        patience);
}

std::vector<written> database_rig::table() const {
    std::vector<written> all;
    for (const auto& row :
         rows_of(connect().get(), "select id, key, seq, partition, off from effect order by at"))
        all.push_back({.id = std::stoull(row[0]),
                       .key = static_cast<std::uint32_t>(std::stoul(row[1])),
                       .seq = static_cast<std::uint32_t>(std::stoul(row[2])),
                       .partition = std::stoi(row[3]),
                       .offset = std::stoll(row[4])});
    return all;
}

std::vector<written> database_rig::events() const {
    std::vector<written> all;
    if (!database_.publishes) return all;
    for (const stored& each : stand_->eye().records(events_topic)) {
        unsigned key = 0;
        unsigned seq = 0;
        unsigned long id = 0;
        if (std::sscanf(each.value.c_str(), R"({"id":%lu,"key":%u,"seq":%u)", &id, &key, &seq) != 3)
            throw std::runtime_error("not an event of these workers: " + each.value);
        all.push_back({.id = id, .key = key, .seq = seq, .partition = each.partition, .offset = each.offset});
    }
    return all;
}

effect_findings database_rig::conclude(const std::vector<const sender*>& senders, const allowance& excused) {
    std::vector<fate> sent;
    for (const sender* each : senders) {
        const auto told = each->fates();
        sent.insert(sent.end(), told.begin(), told.end());
    }
    const auto rows = table();
    effect_findings found = judge(rows, sent);
    if (database_.publishes) compare_events(rows, events(), found);
    for (const auto& [name, value] : found.figures(is_by_offset()))
        stand_->figure(name, static_cast<double>(value));
    const bool sound = database_.bug.empty();
    if (!found.green(is_by_offset())) stand_->turn_red();
    const auto work = stand_->conclude(senders, excused, sound);
    found.handled_again = work.duplicates;
    EXPECT_TRUE(!sound || work.green(excused)) << work.text();
    return found;
}

effect_findings database_rig::expect_green(const std::vector<const sender*>& senders,
                                           const allowance& excused) {
    auto found = conclude(senders, excused);
    EXPECT_TRUE(found.green(is_by_offset())) << found.text();
    return found;
}

} // namespace corvid::faults

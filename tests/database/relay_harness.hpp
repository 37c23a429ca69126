// SPDX-License-Identifier: Apache-2.0
//
// Relays between the database under test and an in-process broker.
#pragma once

#include "outbox_harness.hpp"
#include <corvid/base/random.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/outbox/relay.hpp>
#include <corvid/serde/json/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace corvid::test {

using namespace std::chrono_literals;

class relaying : public outbox_test {
protected:
    relaying() {
        create("test.invoice.issued");
        create("test.other");
        out_.emplace(broker_, root_, producer_settings{}, quiet(), nullptr);
    }
    ~relaying() override {
        relays_.clear();
        static_cast<void>(out_->close(5s));
    }
    void create(const std::string& topic) {
        ASSERT_TRUE(broker_.open_admin()->create_topic({.name = topic_name(topic), .partitions = 3}, 5s));
    }
    relay& begin_relay(relay_settings settings = {}) {
        relays_.push_back(std::make_unique<relay>(box_, *out_, std::move(settings), &figures_, quiet()));
        return *relays_.back();
    }
    outbox& box() { return box_; }

    std::vector<memory::stored_record> records(const std::string& topic = "test.invoice.issued") {
        std::vector<memory::stored_record> all;
        for (std::int32_t p = 0; p < 3; ++p)
            for (auto& each : broker_.script().records_of({topic_name(topic), partition_id(p)}))
                all.push_back(std::move(each));
        return all;
    }
    static std::string header(const memory::stored_record& of, std::string_view name) {
        for (const auto& [key, value] : of.headers)
            if (key == name) return value;
        return "";
    }
    static logger quiet() {
        log_settings settings;
        settings.level = log_level::off;
        return logger(settings);
    }
    bool wait_for_all_sent() {
        return until([&] { return count_of("pending") == 0; });
    }
    /// How often each id came, and that those of each account came in order at first.
    std::map<std::string, int> ids() {
        std::map<std::string, int> times;
        std::map<std::string, int> last;
        for (const auto& each : records()) {
            const std::string id = header(each, "idempotency_key");
            if (++times[id] > 1) continue;
            const auto message = json::decode<invoice_issued>(*each.value);
            EXPECT_TRUE(message);
            const auto before = last.find(message->account);
            if (before != last.end()) {
                EXPECT_LT(before->second, message->n) << message->account;
            }
            last[message->account] = message->n;
        }
        return times;
    }

    memory::cluster broker_{root_};
    metrics figures_{"test"};
    std::optional<publisher> out_;
    outbox box_{*db_};
    std::vector<std::unique_ptr<relay>> relays_;
};

} // namespace corvid::test

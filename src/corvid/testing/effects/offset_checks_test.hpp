// SPDX-License-Identifier: Apache-2.0
//
// What must be true of effects by offset, at every moment and in the end. Tests only.
#pragma once

#include <corvid/testing/effects/effects_world_test.hpp>

namespace sample {
struct offset_row {
    std::int64_t partition = 0;
    std::int64_t next_offset = 0;
};
BOOST_DESCRIBE_STRUCT(offset_row, (), (partition, next_offset))
} // namespace sample

namespace corvid::testing {

using sample::offset_row;

class offset_checks {
public:
    explicit offset_checks(effects_world& e) : e_(e) {
        for (const auto& each : e.w.topic<order_placed>())
            records_.push_back({each->customer, each->n, each.where.partition.value, each.offset.value});
    }

    /// Every record below its partition's row that has an effect has it, no other has one, a partition's are
    /// in the order of their offsets, and no offset is committed to Kafka before the row has passed it.
    [[nodiscard]] std::vector<std::string> violations(bool kafka_follows = true) {
        const auto committed = e_.w.committed("service.billing", "shop.order.placed");
        const auto before = rows();
        const auto effects = e_.effects();
        const auto after = rows();
        if (kafka_follows)
            for (const auto& [partition, next] : committed)
                if (next > 0 && next > at(before, partition) && has_records(partition))
                    say("partition " + std::to_string(partition) + " is committed up to " +
                        std::to_string(next) + ", and its row is at " +
                        std::to_string(at(before, partition)));
        look_at(effects, after);
        for (const one& each : records_)
            if (is_good(each) && each.offset < at(before, each.partition) && !seen_.contains(name(each)))
                say(name(each) + " is below the row and has no effect");
        return std::move(found_);
    }
    /// And all of them are there.
    [[nodiscard]] std::vector<std::string> violations_in_the_end() {
        auto all = violations();
        const auto last = rows();
        for (const one& each : records_)
            if (each.offset >= at(last, each.partition)) all.push_back(name(each) + " is behind the row");
        return all;
    }

private:
    struct one {
        std::string customer;
        int n;
        std::int32_t partition;
        std::int64_t offset;
    };
    static bool is_good(const one& each) { return each.n != refused && each.n != rejected_one; }
    static std::string name(const one& each) { return each.customer + ' ' + std::to_string(each.n); }
    static std::int64_t at(const std::map<std::int64_t, std::int64_t>& rows, std::int64_t partition) {
        const auto known = rows.find(partition);
        return known == rows.end() ? 0 : known->second;
    }
    [[nodiscard]] bool has_records(std::int32_t partition) const {
        return std::ranges::any_of(records_, [&](const one& each) { return each.partition == partition; });
    }
    std::map<std::int64_t, std::int64_t> rows() {
        std::map<std::int64_t, std::int64_t> all;
        auto found =
            e_.get(e_.db.query<offset_row>("select partition, next_offset from processed_offsets where "
                                           "consumer_group = 'service.billing'"));
        EXPECT_TRUE(found) << (found ? "" : found.error().describe());
        if (found)
            for (const offset_row& each : *found)
                all[each.partition] = each.next_offset;
        return all;
    }
    void look_at(const std::vector<effect_row>& effects, const std::map<std::int64_t, std::int64_t>& after) {
        std::map<std::int32_t, std::int64_t> last;
        for (const effect_row& effect : effects) {
            const auto of = std::ranges::find_if(records_, [&](const one& each) {
                return each.customer == effect.customer && each.n == effect.n;
            });
            if (of == records_.end()) continue;
            if (!seen_.insert(name(*of)).second) say(name(*of) + " has its effect twice");
            if (of->offset >= at(after, of->partition)) say(name(*of) + " has its effect above the row");
            auto& before = last.try_emplace(of->partition, -1).first->second;
            if (before > of->offset) say(name(*of) + " comes behind offset " + std::to_string(before));
            before = std::max(before, of->offset);
        }
    }
    void say(std::string what) { found_.push_back(std::move(what)); }

    effects_world& e_;
    std::vector<one> records_;
    std::set<std::string> seen_;
    std::vector<std::string> found_;
};

} // namespace corvid::testing

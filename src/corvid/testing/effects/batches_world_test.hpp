// SPDX-License-Identifier: Apache-2.0
//
// Batch handlers that record effects, as effects_world_test.hpp has handlers of single records. Tests only.
#pragma once

#include <corvid/testing/effects/effects_world_test.hpp>

namespace sample {
struct new_effect {
    std::string customer;
    std::int64_t n = 0;
    std::int64_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(new_effect, (), (customer, n, attempt))
} // namespace sample

namespace corvid::testing {

using batch_of_orders = std::span<const received<order_placed>>;

/// Records those that it says done of; one statement for all, as batches are for.
inline batch_outcomes record_all(batch_of_orders batch, batch_context& ctx, unit_of_work& db) {
    batch_outcomes said(batch);
    std::vector<sample::new_effect> rows;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        said[i] = verdict_on(*batch[i], ctx.of(i));
        if (said[i] == verdict::done) rows.push_back({batch[i]->customer, batch[i]->n, ctx.of(i).attempt()});
    }
    db.insert("effect", rows);
    return said;
}

inline void subscribe_batches(corvid::service& s, shape how, batch_options with) {
    with.classify = class_of;
    const auto awaits = [](batch_of_orders batch, batch_context& ctx,
                           unit_of_work& db) -> task<batch_outcomes> {
        co_await ctx.sleep(std::chrono::milliseconds(batch.size() % 5));
        co_return record_all(batch, ctx, db);
    };
    const auto asks = [](batch_of_orders batch, batch_context& ctx,
                         unit_of_work& db) -> task<batch_outcomes> {
        if (batch.size() % 2 == 0) {
            auto before = co_await db.query<std::int64_t>("select count(*) from effect");
            if (!before) throw std::runtime_error("no answer");
        }
        co_return record_all(batch, ctx, db);
    };
    switch (how) {
    case shape::plain:
        return static_cast<void>(s.on_batch<order_placed>("billing", record_all, std::move(with)));
    case shape::awaits:
        return static_cast<void>(s.on_batch<order_placed>("billing", awaits, std::move(with)));
    case shape::asks:
        return static_cast<void>(s.on_batch<order_placed>("billing", asks, std::move(with)));
    case shape::on_threads:
        return static_cast<void>(s.on_batch<order_placed>("billing", blocking(record_all), std::move(with)));
    }
}

} // namespace corvid::testing

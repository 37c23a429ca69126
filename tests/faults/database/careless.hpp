// SPDX-License-Identifier: Apache-2.0
//
// careless: what others do instead of exactly_once. Each is wrong in its own way, which the checker must
// find once its worker is killed.
#pragma once

#include "../worker_parts.hpp"
#include "effect_rows.hpp"
#include <corvid/service/service.hpp>

#include <map>
#include <mutex>
#include <random>
#include <string>

namespace corvid::faults {

class careless {
public:
    careless(const assignment& o, database& db, service& of)
        : orders_(o), db_(db), service_(of), random_(o.seed()) {}

    task<outcome> handle(const received<sample::load>& in, context& ctx) {
        const sample::effect_row row = effect_row_of(in);
        if (orders_.has_bug("commit_first")) {
            service_.tasks().spawn(*scheduler::current(), write_later(row));
            co_return done;
        }
        if (orders_.has_bug("highest_offset")) {
            auto moving = move_row_and_write(row, ctx);
            co_return co_await std::move(moving);
        }
        if (orders_.has_bug("guesses")) {
            auto guessing = write_until_answered(row);
            co_return co_await std::move(guessing);
        }
        auto writing = write_and_mark(row, ctx);
        co_return co_await std::move(writing);
    }

private:
    static unit_of_work effect_of(const sample::effect_row& row) {
        unit_of_work made;
        made.insert("effect", std::vector{row});
        return made;
    }

    task<void> write_later(sample::effect_row row) {
        co_await corvid::sleep(std::chrono::seconds(2));
        auto writing = db_.write(effect_of(row));
        static_cast<void>(co_await writing);
    }

    // "No answer, so it has not happened."
    task<outcome> write_until_answered(sample::effect_row row) {
        auto writing = db_.write(effect_of(row));
        auto written = co_await writing;
        if (!written) co_return retry(written.error());
        co_return done;
    }

    task<outcome> write_and_mark(sample::effect_row row, context& ctx) {
        auto asking = db_.query<std::int64_t>("select id from own_mark where id = $1", row.id);
        auto known = co_await asking;
        if (!known) co_return retry(known.error());
        if (!known->empty()) co_return done;
        auto writing = db_.write(effect_of(row));
        auto written = co_await writing;
        if (!written) co_return retry(written.error());
        co_await ctx.sleep(std::chrono::milliseconds(100));
        auto marking = db_.execute("insert into own_mark(id) values ($1) on conflict do nothing", row.id);
        auto marked = co_await marking;
        if (!marked) co_return retry(marked.error());
        co_return done;
    }

    // One transaction a record, which moves the row of its partition up to it; others overtake it.
    task<outcome> move_row_and_write(sample::effect_row row, context& ctx) {
        co_await ctx.sleep(some_time());
        auto asking =
            db_.query<std::int64_t>("select next from own_position where partition = $1", row.partition);
        auto next = co_await asking;
        if (!next) co_return retry(next.error());
        if (row.off < row_at_start(row.partition, next->empty() ? 0 : next->front()))
            co_return done; // "it has had its effect"
        unit_of_work both = effect_of(row);
        both.execute("insert into own_position(partition, next) values ($1, $2) on conflict (partition) do "
                     "update set next = greatest(own_position.next, excluded.next)",
                     row.partition, row.off + 1);
        auto writing = db_.write(std::move(both));
        auto written = co_await writing;
        if (!written) co_return retry(written.error());
        co_return done;
    }

    [[nodiscard]] std::chrono::milliseconds some_time() {
        const std::lock_guard lock(mutex_);
        return std::chrono::milliseconds(random_() % 500);
    }
    /// Where the partition's row stood when this life first saw it.
    [[nodiscard]] std::int64_t row_at_start(std::int64_t partition, std::int64_t now) {
        const std::lock_guard lock(mutex_);
        return starts_.try_emplace(partition, now).first->second;
    }

    assignment orders_;
    database& db_;
    service& service_;
    std::mutex mutex_; // handlers run on several threads
    std::mt19937_64 random_;
    std::map<std::int64_t, std::int64_t> starts_;
};

} // namespace corvid::faults

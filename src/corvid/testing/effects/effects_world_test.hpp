// SPDX-License-Identifier: Apache-2.0
//
// effects_world: a world with a database in SQLite, handlers of each shape that record effects into it, and
// what must be in its table in the end. Tests only.
#pragma once

#include <corvid/testing/matchers.hpp>
#include <corvid/testing/sample_test.hpp>

#include <filesystem>
#include <map>
#include <set>

namespace sample {
struct effect_row {
    std::int64_t at = 0;
    std::string customer;
    std::int64_t n = 0;
};
BOOST_DESCRIBE_STRUCT(effect_row, (), (at, customer, n))
} // namespace sample

namespace corvid::testing {

using sample::effect_row;

/// A world with a database, and the table whose rows are the effects.
class effects_world {
public:
    explicit effects_world(std::uint64_t seed)
        : w(seed), directory_(make_directory()), db(w.time(), settings()) {
        execute("create table effect(at integer primary key, customer text not null, n integer not null, "
                "part integer not null default 0, attempt integer not null, check (n <> 13), "
                "constraint too_early check (n % 10 <> 4 or attempt > 1))");
    }
    ~effects_world() {
        try {
            w.scale("service", 0); // the database is younger than the world, and goes first
        } catch (const std::invalid_argument&) {
            static_cast<void>("none runs");
        }
        db.close();
        std::filesystem::remove_all(directory_);
    }

    void execute(const std::string& sql) {
        auto done = get(db.execute(sql));
        EXPECT_TRUE(done) << sql << ": " << (done ? "" : done.error().describe());
    }
    std::vector<effect_row> effects(int part = 0) {
        auto rows =
            get(db.query<effect_row>("select at, customer, n from effect where part = $1 order by at", part));
        EXPECT_TRUE(rows) << (rows ? "" : rows.error().describe());
        return rows.value_or(std::vector<effect_row>{});
    }
    std::int64_t count(const std::string& of) {
        return get(db.query<std::int64_t>("select count(*) from " + of)).value().front();
    }
    template <class T>
    result<T> get(database_call<T>&& call) {
        struct steps {
            static task<result<T>> run(database_call<T>& c) { co_return co_await c; }
        };
        return wait_for<result<T>>(w.time(), w.time(), steps::run(call));
    }
    exactly_once_settings into(effect_mark by = by_event_id) {
        return in(db, by, {.writer = {.linger = 2ms}});
    }

    /// What the start of such a service is refused with; empty: it is not.
    template <class F>
    std::string refused_with(F build) {
        try {
            w.start(build);
        } catch (const config_error& why) {
            return std::string(why.why().message());
        }
        return "";
    }

    /// Each of the good ones once, a customer's in order.
    void expect_effects(const std::set<std::pair<std::string, int>>& good, int part = 0,
                        bool in_order = true) {
        std::set<std::pair<std::string, int>> seen;
        std::map<std::string, std::int64_t> last;
        for (const effect_row& each : effects(part)) {
            EXPECT_TRUE(seen.emplace(each.customer, static_cast<int>(each.n)).second)
                << each.customer << ' ' << each.n << " has its effect twice";
            const auto [before, is_first] = last.emplace(each.customer, -1);
            EXPECT_TRUE(!in_order || before->second < each.n) << each.customer << ' ' << each.n;
            before->second = each.n;
        }
        EXPECT_EQ(seen, good);
    }

    world w;

private:
    static std::string make_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "corvid-effects.XXXXXX").string();
        return mkdtemp(pattern.data());
    }
    database_settings settings() const {
        return {.url = "sqlite:" + directory_ + "/state.db", .pool_size = 2, .seed = 1};
    }
    std::string directory_;

public:
    database db;
};

inline void insert(unit_of_work& db, const order_placed& o, int part = 0, int attempt = 2) {
    db.execute("insert into effect(customer, n, part, attempt) values ($1, $2, $3, $4)", o.customer, o.n,
               part, attempt);
}

inline std::set<std::pair<std::string, int>> orders(int customers, int each, const std::set<int>& bad = {}) {
    std::set<std::pair<std::string, int>> all;
    for (int c = 0; c < customers; ++c)
        for (int n = 0; n < each; ++n)
            if (!bad.contains(n)) all.emplace("c" + std::to_string(c), n);
    return all;
}

// What the database refuses at first.
inline std::optional<error_kind> class_of(const error& why) {
    if (why.describe().find("too_early") == std::string::npos) return std::nullopt;
    return error_kind::retriable;
}

inline constexpr int refused = 13;      // by the database
inline constexpr int rejected_one = 14; // by the handler

/// Those two of each customer are the dead letters.
inline void expect_bad_ones_dead(const world& of, int customers) {
    std::set<std::pair<std::string, int>> dead, bad;
    for (const auto& each : of.dead_letters<order_placed>("service.billing"))
        dead.emplace(each->customer, each->n);
    for (int c = 0; c < customers; ++c)
        for (const int n : {refused, rejected_one})
            bad.emplace("c" + std::to_string(c), n);
    EXPECT_EQ(dead, bad);
}

/// No record is suspected for the deaths that a test deals out.
inline settings settings_of_a_mortal() {
    settings with{.service = "service"};
    with.kafka.suspect_after = 0;
    return with;
}

enum class shape { plain, awaits, asks, on_threads };

inline outcome verdict_on(const order_placed& o, const context& ctx) {
    if (o.n == rejected_one) return dead_letter("never");
    if (o.n % 10 == 7 && ctx.attempt() == 1) return retry("once more");
    return done;
}

inline void subscribe(corvid::service& s, shape how, subscription_options with) {
    with.classify = class_of;
    const auto plain = [](const order_placed& o, context& ctx, unit_of_work& db) {
        insert(db, o, 0, ctx.attempt());
        return verdict_on(o, ctx);
    };
    const auto awaits = [](const order_placed& o, context& ctx, unit_of_work& db) -> task<outcome> {
        insert(db, o, 0, ctx.attempt());
        co_await ctx.sleep(std::chrono::milliseconds(o.n % 3));
        co_return verdict_on(o, ctx);
    };
    const auto asks = [](const order_placed& o, context& ctx, unit_of_work& db) -> task<outcome> {
        if (o.n % 2 == 0) {
            auto before = co_await db.query<std::int64_t>("select count(*) from effect");
            if (!before) co_return retry(before.error());
        }
        insert(db, o, 0, ctx.attempt());
        co_return verdict_on(o, ctx);
    };
    switch (how) {
    case shape::plain:
        return static_cast<void>(s.on<order_placed>("billing", plain, std::move(with)));
    case shape::awaits:
        return static_cast<void>(s.on<order_placed>("billing", awaits, std::move(with)));
    case shape::asks:
        return static_cast<void>(s.on<order_placed>("billing", asks, std::move(with)));
    case shape::on_threads:
        return static_cast<void>(s.on<order_placed>("billing", blocking(plain), std::move(with)));
    }
}

} // namespace corvid::testing

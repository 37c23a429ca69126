// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/redis/redis_marks.hpp>

#include <corvid/base/ids.hpp>

namespace corvid {

namespace {

constexpr std::string_view done_mark = "done";
// Only who holds the lease frees it.
constexpr std::string_view free_script =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

redis_mark_settings checked(redis_mark_settings settings) {
    if (settings.lease.count() <= 0 || settings.retention.count() <= 0)
        throw config_error(
            error(errc::invalid_setting, {.message = "redis marks: lease or retention is not above 0"}));
    return settings;
}

} // namespace

redis_marks::redis_marks(redis& to, redis_mark_settings settings, metrics* figures)
    : redis_(to),
      settings_(checked(std::move(settings))),
      leases_(
          std::make_shared<std::atomic<std::uint64_t>>(settings_.seed ? settings_.seed : entropy_seed())) {
    if (!figures) return;
    processed_ = figures->counter_of(metric::events_processed, {settings_.group});
    duplicates_ = figures->counter_of(metric::events_duplicates, {settings_.group});
}

task<result<redis_marks::claim>> redis_marks::take(std::string event_id) {
    if (auto valid = validate(event_mark{.id = event_id, .group = settings_.group}); !valid)
        co_return fail(std::move(valid.error()));
    claim one{settings_.prefix + settings_.group + ':' + event_id,
              to_string(id_generator(leases_->fetch_add(1, std::memory_order_relaxed)).uuid4()), true};
    const std::string lease = std::to_string(settings_.lease.count());
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto setting = redis_.ask({"SET", one.key, one.token, "NX", "PX", lease});
        auto set = co_await setting;
        if (!set) co_return fail(std::move(set.error()));
        if (set->kind == redis_reply::type::text) co_return one;
        auto getting = redis_.ask({"GET", one.key});
        auto held = co_await getting;
        if (!held) co_return fail(std::move(held.error()));
        if (held->kind == redis_reply::type::nil) continue; // the lease has just ended
        if (held->text == done_mark) {
            duplicates_.add();
            one.is_new = false;
            co_return one;
        }
        break;
    }
    co_return fail(errc::database_busy, {.message = "another has event " + event_id + " in hand",
                                         .hint = "ask again when its lease may have ended",
                                         .operation = "process_if_new"});
}

// Also where the lease has ended meanwhile: the effect is there.
task<result<processing>> redis_marks::finish(claim taken) {
    const auto kept = std::chrono::milliseconds(settings_.retention);
    auto marking = redis_.ask({"SET", taken.key, std::string(done_mark), "PX", std::to_string(kept.count())});
    auto marked = co_await marking;
    if (!marked) co_return fail(std::move(marked.error()));
    processed_.add();
    co_return processing::processed;
}

task<void> redis_marks::give_back(claim taken) {
    auto freeing = redis_.ask({"EVAL", std::string(free_script), "1", taken.key, taken.token});
    (void)co_await freeing; // else its lease ends by itself
}

} // namespace corvid

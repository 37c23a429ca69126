// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/subscription.hpp>

#include <corvid/consume/detail/transfers.hpp>
#include <corvid/consume/group/topics.hpp>
#include <corvid/consume/parking/entry.hpp>
#include <corvid/middleware/attempt_chain.hpp>

namespace corvid {

result<void> check_disjoint(const std::string& group, const std::vector<subscription>& subscriptions) {
    auto topics = group_topics::of(group, subscriptions);
    if (!topics) return fail(std::move(topics).error());
    return {};
}

namespace {

std::unexpected<error> not_below(const std::string& inner, std::chrono::milliseconds value,
                                 std::chrono::milliseconds limit, const std::string& name_of_service) {
    return fail(errc::conflicting_settings,
                {.message = inner + " (" + std::to_string(value.count()) +
                            " ms) is not below max_poll_interval (" + std::to_string(limit.count()) + " ms)",
                 .hint = "lower " + name_of_service + " or raise kafka.max_poll_interval",
                 .operation = "subscribe"});
}

} // namespace

result<void> validate(const group_settings& settings) {
    const auto& s = settings.source;
    if (s.group.empty())
        return fail(errc::invalid_setting, {.message = "a consumer needs a group", .operation = "subscribe"});
    if (settings.commit_every <= std::chrono::milliseconds::zero())
        return fail(errc::invalid_setting,
                    {.message = "commit_every must be above zero", .operation = "subscribe"});
    if (s.session_timeout >= s.max_poll_interval)
        return not_below("session_timeout", s.session_timeout, s.max_poll_interval, "kafka.session_timeout");
    if (settings.rebalance_drain >= s.max_poll_interval)
        return not_below("rebalance_drain", settings.rebalance_drain, s.max_poll_interval, "shutdown.drain");
    if (auto valid = settings.watch.validate(); !valid) return valid;
    return settings.crashes.validate();
}

namespace {

std::unexpected<error> clash(const subscription& one, std::string message, std::string hint) {
    return fail(errc::conflicting_settings,
                {.message = "subscription \"" + one.name + "\": " + std::move(message),
                 .hint = std::move(hint),
                 .operation = "subscribe"});
}

bool writes_dead_letters(const subscription& one) noexcept {
    return one.failure.rejected == when_rejected::dead_letters ||
           one.failure.rejected == when_rejected::park_key;
}

result<void> check_is_performed(const subscription& one) {
    if (one.window.when_full == when_window_full::park_oldest && !writes_dead_letters(one))
        return clash(one, "window.when_full is park_oldest, and rejected writes no dead letters",
                     "set rejected = when_rejected::dead_letters or park_key, or when_full = stop_partition");
    if (one.failure.rejected == when_rejected::park_key && one.key)
        return clash(one, "rejected is park_key, and key is given: parked records go by their own keys",
                     "leave key to the record's own, or set rejected = when_rejected::dead_letters");
    if (!one.failure.retry_topics.empty() && !one.pattern.empty())
        return clash(one, "retry_topics are given, and topics come from a pattern",
                     "name the topics, or leave retry_topics empty");
    return {};
}

result<void> check_order(const subscription& one) {
    if (one.concurrency == 0)
        return fail(errc::invalid_setting,
                    {.message = "concurrency of subscription \"" + one.name + "\" is 0",
                     .hint = "set concurrency to 1 or more",
                     .operation = "subscribe"});
    if (one.key && one.order != by_key)
        return clash(one, "key is given, and order is not by_key",
                     "set order = by_key, or leave key to the record's own");
    if (one.commit == commit_mode::by_hand && one.order != by_partition)
        return clash(one, "commit is by_hand, and order is not by_partition: nobody could say what is done",
                     "set order = by_partition, or commit = when_done");
    return {};
}

result<void> check_batch(const subscription& one) {
    if (!one.batch) return {};
    const auto& [max, within, bytes] = *one.batch;
    if (max == 0 || bytes == 0 || within < duration::zero())
        return fail(errc::invalid_setting,
                    {.message = "subscription \"" + one.name + "\": " +
                                (within < duration::zero() ? "within is below zero"
                                                           : (max == 0 ? "max is 0" : "bytes is 0")),
                     .hint = "a batch holds one record or more",
                     .operation = "subscribe"});
    if (max > one.intake.runnable_records)
        return clash(one, "max is above intake.runnable_records: no batch could get full",
                     "lower max, or raise intake.runnable_records");
    if (bytes > one.intake.runnable_bytes)
        return clash(one, "bytes is above intake.runnable_bytes: no batch could get full",
                     "lower bytes, or raise intake.runnable_bytes");
    return {};
}

result<void> check_middleware(const subscription& one, const group_settings& within) {
    if (!one.chain || !one.handle) return {};
    if (one.chain->deadline() >= within.source.max_poll_interval)
        return clash(one, "deadline is not below kafka.max_poll_interval: the member would be gone by then",
                     "lower deadline, or raise kafka.max_poll_interval");
    if (one.batch)
        return clash(
            one, "within and max make a batch, and what stands around an attempt is for one record",
            "handle records one by one, or leave deadline, breaker, rate, bulkhead and middleware out");
    const bool awaits = one.handle->is_coroutine();
    for (const middleware& each : one.chain->list())
        if (!(awaits ? each.serves_tasks() : each.serves_calls()))
            return fail(errc::conflicting_settings,
                        {.message = "subscription \"" + one.name + "\": its handler is " +
                                    (awaits ? "a coroutine, and one of middleware takes no next_task"
                                            : "a plain function, and one of middleware takes no next_call"),
                         .hint = awaits ? "take (context&, next_task) and return a task<outcome>"
                                        : "take (context&, next_call) and return an outcome",
                         .operation = "subscribe"});
    return {};
}

result<void> check_other_topics(const subscription& one, const group_settings& within) {
    const bool tiers = !one.failure.retry_topics.empty();
    if (!writes_dead_letters(one) && !tiers) return {};
    if (!within.producer)
        return clash(one,
                     std::string(tiers ? "retry_topics are given" : "rejected writes dead letters") +
                         ", and the group has no producer",
                     "set producer, or rejected = when_rejected::stop_partition and no retry_topics");
    if (within.producer->settings().sink.acks != broker::acknowledgements::all)
        return clash(
            one,
            std::string(tiers ? "retry_topics are given" : "rejected writes dead letters") +
                ", and produce.acks is not all: a record would be committed here that is lost there",
            "set produce.acks to all, or rejected = when_rejected::stop_partition and no retry_topics");
    for (const topic_name& topic : one.topics) {
        std::vector<std::string> names = {dead_letter_topic(topic, within.source.group)};
        for (const duration delay : one.failure.retry_topics)
            names.push_back(retry_topic(topic, within.source.group, delay));
        if (one.failure.rejected == when_rejected::park_key)
            for (const auto& beside : {parked_topic, parked_keys_topic})
                names.push_back(beside(topic, within.source.group));
        for (const std::string& name : names)
            if (!is_kafka_topic(name))
                return fail(errc::invalid_name, {.message = name + " is no name that a topic can have",
                                                 .hint = "shorten the topic's name or the group's",
                                                 .operation = "subscribe"});
    }
    return {};
}

} // namespace

result<void> validate(const subscription& one, const group_settings& within) {
    auto answer = one.failure.validate(one.order);
    if (answer) answer = one.intake.validate();
    if (answer) answer = one.window.validate();
    if (answer) answer = check_is_performed(one);
    if (answer) answer = check_order(one);
    if (answer) answer = check_batch(one);
    if (answer) answer = check_middleware(one, within);
    if (answer) answer = check_other_topics(one, within);
    return answer;
}

} // namespace corvid

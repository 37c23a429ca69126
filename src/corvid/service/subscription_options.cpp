// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/subscription_options.hpp>

namespace corvid {

subscription_options batch_options::as_subscription() && {
    return {.group = std::move(group),
            .topics = std::move(topics),
            .pattern = std::move(pattern),
            .order = order,
            .key = std::move(key),
            .concurrency = concurrency,
            .retry = retry,
            .retry_topics = std::move(retry_topics),
            .gives_up_order = gives_up_order,
            .rejected = rejected,
            .classify = std::move(classify),
            .intake = intake,
            .window = window,
            .batch = batch_limits{.max = max, .within = within, .bytes = bytes},
            .exactly_once = exactly_once};
}

namespace detail {

namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& message, const std::string& hint) {
    throw config_error(error(errc::conflicting_settings,
                             {.message = what + ": " + message, .hint = hint, .operation = "subscribe"}));
}

void check_no_batch(const std::string& what, const subscription_options& options) {
    if (options.batch)
        refuse(what, "batch is set, and records are handed out one by one",
               "use on_batch(), or leave batch out");
}

} // namespace

void check_of_handler(const std::string& name, const subscription_options& options) {
    const std::string what = "subscription \"" + name + '"';
    check_no_batch(what, options);
    if (options.commit == commit_mode::by_hand)
        refuse(what, "commit is by_hand, and a handler cannot say how far it is: nothing would be committed",
               "leave commit at when_done, or read with stream()");
    if (options.concurrency > options.intake.runnable_records)
        refuse(what,
               "concurrency is " + std::to_string(options.concurrency) + ", and intake.runnable_records is " +
                   std::to_string(options.intake.runnable_records) + ": so many handlers are never at work",
               "lower concurrency, or raise intake.runnable_records, best to twice concurrency");
}

void check_of_stream(const std::string& name, const subscription_options& options) {
    const std::string what = "stream \"" + name + '"';
    check_no_batch(what, options);
    if (!options.retry_topics.empty() || options.key)
        refuse(what, "retry_topics and key are of handlers, and a stream has none",
               "leave them out, or use on()");
    if (chain_settings{.breaker = options.breaker,
                       .rate = options.rate,
                       .bulkhead = options.bulkhead,
                       .deadline = options.deadline,
                       .tracing = options.tracing,
                       .middleware = options.middleware}
            .is_set())
        refuse(what,
               "breaker, rate, bulkhead, deadline, tracing and middleware stand around a handler, and a "
               "stream has none",
               "leave them out, or use on()");
    const subscription_options usual;
    if (options.retry != usual.retry || options.rejected != usual.rejected || options.classify)
        refuse(
            what,
            "retry, rejected and classify say what follows a handler's failure, and a stream has no handler",
            "leave them out, or use on()");
    if (options.concurrency != usual.concurrency ||
        (options.order != usual.order && options.order != by_partition))
        refuse(what,
               "order and concurrency are of handlers: a stream gives each partition's records in order, as "
               "they are asked for",
               "leave them out, or use on()");
}

subscription subscription_of(const std::string& name, std::string_view topic,
                             const subscription_options& options) {
    subscription made{.name = name,
                      .pattern = options.pattern,
                      .order = options.order,
                      .key = options.key,
                      .concurrency = options.concurrency,
                      .failure = {.retry = options.retry,
                                  .retry_topics = options.retry_topics,
                                  .gives_up_order = options.gives_up_order,
                                  .rejected = options.rejected,
                                  .classify = options.classify},
                      .intake = options.intake,
                      .window = options.window,
                      .batch = options.batch,
                      .commit = options.commit};
    for (const auto& given : options.topics)
        made.topics.emplace_back(given);
    if (made.topics.empty() && made.pattern.empty()) made.topics.emplace_back(topic);
    if (auto valid = made.failure.validate(made.order); !valid) throw config_error(std::move(valid).error());
    return made;
}

} // namespace detail

} // namespace corvid

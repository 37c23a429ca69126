// SPDX-License-Identifier: Apache-2.0
//
// service: the composition root. Name handlers, run, and it does the rest until SIGTERM:
//
//   corvid::service service{corvid::settings::load("corvid.yaml")};
//   service.on<flight_departed>("delays", [&](const flight_departed& f) { board.update(f); });
//   return service.run();
//
// Each subscription is a consumer group `{service}.{subscription}` unless its options or kafka.group say
// otherwise; subscriptions of one group share a client and read disjoint topics. on() and stream() come
// before start() or run(). A service is used from one thread; producer(), request_stop() and the streams from
// any.
#pragma once

#include <corvid/consume/blocking.hpp>
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/parking/parked_keys.hpp>
#include <corvid/consume/pull.hpp>
#include <corvid/consume/shapes/batch_handler.hpp>
#include <corvid/consume/shapes/fan_out.hpp>
#include <corvid/consume/shapes/router.hpp>
#include <corvid/consume/typed_handler.hpp>
#include <corvid/consume/worker_pool.hpp>
#include <corvid/inbox/exactly_once/unit_batch_handler.hpp>
#include <corvid/inbox/exactly_once/with_unit.hpp>
#include <corvid/observe/health.hpp>
#include <corvid/outbox/relay.hpp>
#include <corvid/produce/message_producer.hpp>
#include <corvid/service/message_stream.hpp>
#include <corvid/service/run_state.hpp>
#include <corvid/service/service_hooks.hpp>
#include <corvid/service/settings.hpp>
#include <corvid/service/subscription_options.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corvid {

class runtime;

class service {
public:
    /// On Kafka at settings.kafka.bootstrap, with threads of its own. Throws config_error; connects to
    /// nothing yet.
    explicit service(corvid::settings with);
    /// On a cluster and a scheduler of the caller's: tests, several instances in a process. Both outlive the
    /// service.
    service(corvid::settings with, broker::cluster& cluster, scheduler& root, service_hooks hooks = {});
    ~service();
    service(const service&) = delete;
    service& operator=(const service&) = delete;

    /// Handles every T with `function`: see typed_handler.hpp for what it may look like. With
    /// options.exactly_once it takes a unit_of_work& behind the context.
    ///
    /// Threads: it is called on the workers (threads.workers), for different keys at the same time, so what
    /// it shares between keys it must guard; options.concurrency = 1 keeps it to one call at a time. What a
    /// coroutine holds stays on its worker. A plain function moves to the group's own loop, where nothing is
    /// handed over and calls come one at a time, once 1,000 records in a row took 5 µs each or less in the
    /// mean and no run of them 100 µs more than that; one that is 1 ms late moves it back. One that blocks
    /// its thread belongs into corvid::blocking().
    template <Message T, class F>
    service& on(const std::string& name, F function, subscription_options options = {}) {
        auto stage = stage_of(name, options, detail::TakesUnit<F, T>);
        auto given = detail::with_unit<T>(std::move(function), stage.get());
        using made = typed_handler<T, decltype(given)>;
        std::unique_ptr<handler> handle = std::make_unique<made>(std::move(given));
        if constexpr (made::blocks)
            handle = std::make_unique<pooled_handler>(std::move(handle), blocking_threads());
        subscribe(name, message_traits<T>::topic, std::move(options), std::move(handle), std::move(stage));
        return *this;
    }
    /// Handles every T in batches: see shapes/batch_handler.hpp; with options.exactly_once
    /// inbox/exactly_once/unit_batch_handler.hpp.
    template <Message T, class F>
    service& on_batch(const std::string& name, F function, batch_options options = {}) {
        const batch_attempt::settings how{.then = options.failed, .attempts = options.retry.limit};
        subscription_options with = std::move(options).as_subscription();
        auto stage = stage_of(name, with, detail::TakesUnitForBatch<F, T>);
        if constexpr (detail::TakesUnitForBatch<F, T>)
            subscribe_batches<unit_batch_handler<T, F>>(name, message_traits<T>::topic, std::move(with),
                                                        stage, std::move(function), how, stage);
        else
            subscribe_batches<batch_handler<T, F>>(name, message_traits<T>::topic, std::move(with),
                                                   std::move(stage), std::move(function), how);
        return *this;
    }
    /// Handles every T with each of several functions: see shapes/fan_out.hpp.
    template <Message T, class... F>
    service& fan_out(const std::string& name, all_functions<F...> functions,
                     subscription_options options = {}) {
        auto stage = stage_of(name, options, (false || ... || detail::TakesUnit<F, T>), sizeof...(F));
        auto given = detail::with_units<T>(std::move(functions), stage.get());
        using made = fan_out_handler_of<T, decltype(given)>;
        std::unique_ptr<handler> handle = std::make_unique<made>(std::move(given));
        if constexpr (made::blocks)
            handle = std::make_unique<pooled_handler>(std::move(handle), blocking_threads());
        subscribe(name, message_traits<T>::topic, std::move(options), std::move(handle), std::move(stage));
        return *this;
    }
    /// Handles the events of one topic by their type: see shapes/router.hpp. The sentence ends with
    /// otherwise(), which answers this service.
    [[nodiscard]] auto route(const std::string& name, const std::string& topic,
                             subscription_options options = {}) {
        begin_sentence(name);
        return routes(end_of_route{*this, name, topic, std::move(options), nullptr});
    }
    /// Gives every T on request, partition by partition; where its bytes are none, that. The stream ends when
    /// the service stops. Of the options group, topics, pattern, intake, window and commit count.
    template <Message T>
    [[nodiscard]] message_stream<T> stream(const std::string& name, subscription_options options = {}) {
        return message_stream<T>(pull(name, message_traits<T>::topic, std::move(options)));
    }

    /// The producer that everybody shares; opened when it is first asked for or at start().
    [[nodiscard]] message_producer producer();
    /// Spans of all subscriptions that are declared after this, and name no sink of their own, go there.
    service& trace_to(std::shared_ptr<span_sink> sink);
    /// The dead keys of a subscription that says when_rejected::park_key: what is parked behind them, to be
    /// released or discarded, whichever process has the partition. `topic` where it reads several, or by a
    /// pattern. Throws config_error where no such subscription was named. The service outlives the handle.
    [[nodiscard]] parked_keys parked(const std::string& subscription, const std::string& topic = {});
    /// The database of the settings (database.url): made at the first call, closed with the service, whose
    /// readiness says where it cannot be reached. Throws config_error where the settings name none.
    [[nodiscard]] corvid::database& database();
    /// From start() to stop() sends what is published to the outbox of `from`, whose tables it makes.
    service& relay(corvid::database& from, relay_settings settings = {});
    [[nodiscard]] metrics& figures() noexcept;
    [[nodiscard]] health_registry& health() noexcept;
    [[nodiscard]] const corvid::settings& settings() const noexcept { return settings_; }
    [[nodiscard]] logger& log() noexcept;
    /// Where tasks of the user's own can run: `service.tasks().spawn(*scheduler::current(), …)`. The
    /// destructor joins them, behind stop(): see that they end. What leaves one is logged.
    [[nodiscard]] task_scope& tasks() noexcept { return scope_; }
    [[nodiscard]] scheduler& root() noexcept;
    /// The port that http.listen got; 0: no server.
    [[nodiscard]] std::uint16_t http_port() const noexcept;

    /// Starts all of it and returns. Throws config_error, before anything is handled where it can be known by
    /// then: the producer, then http.listen, then the groups.
    void start();
    /// Waits until every group of a started service has been given partitions once; false when the patience
    /// is over. A member beyond the number of partitions gets none. With offset_reset `latest` the end of a
    /// partition is looked up after that. Any thread that is no loop, between start() and stop().
    [[nodiscard]] bool wait_until_assigned(std::chrono::milliseconds patience);
    /// Asks a running service to stop; run() then returns. Any thread, signal handlers excepted.
    void request_stop() noexcept;
    /// Stops what start() started: intake, drain, commit, leave, flush. Not on a loop.
    exit_code stop();
    /// start(), then waits for SIGTERM, SIGINT, request_stop() or a handler's stop, then stop(). Answers
    /// main()'s exit code. A second signal exits at once. Where a handler does not return even after the
    /// grace, run() ends the process with exit_code::undrained rather than wait for it.
    int run();

private:
    struct parts;
    void subscribe(const std::string& name, std::string_view topic, subscription_options options,
                   std::unique_ptr<handler> handle, std::shared_ptr<completion_stage> completes = {});
    void add(const std::string& name, std::string_view topic, subscription_options options,
             std::unique_ptr<handler> handle, std::shared_ptr<completion_stage> completes = {});
    [[nodiscard]] std::shared_ptr<inbox_stage> stage_of(const std::string& name,
                                                        const subscription_options& options, bool takes_units,
                                                        std::uint32_t handlers = 0);
    template <class Made, class... Args>
    void subscribe_batches(const std::string& name, std::string_view topic, subscription_options options,
                           std::shared_ptr<completion_stage> completes, Args&&... args) {
        std::unique_ptr<handler> handle = std::make_unique<Made>(std::forward<Args>(args)...);
        if constexpr (Made::blocks)
            handle = std::make_unique<pooled_handler>(std::move(handle), blocking_threads());
        add(name, topic, std::move(options), std::move(handle), std::move(completes));
    }
    std::shared_ptr<pull_channel> pull(const std::string& name, std::string_view topic,
                                       subscription_options options);
    [[nodiscard]] blocking_pool& blocking_threads();
    struct end_of_route {
        template <class T, class F>
        auto adapt(F function) {
            if (detail::TakesUnit<F, T> && !stage) stage = of.stage_of(name, options, true);
            return detail::with_unit<T>(std::move(function), stage.get());
        }
        service& operator()(std::unique_ptr<handler> handle, bool blocks) {
            if (!stage) stage = of.stage_of(name, options, false);
            if (blocks) handle = std::make_unique<pooled_handler>(std::move(handle), of.blocking_threads());
            of.subscribe(name, topic, std::move(options), std::move(handle), std::move(stage));
            of.end_sentence(name);
            return of;
        }
        service& of;
        std::string name, topic;
        subscription_options options;
        std::shared_ptr<inbox_stage> stage;
    };
    // A route without otherwise() is refused at start().
    void begin_sentence(const std::string& name);
    void end_sentence(const std::string& name);
    [[nodiscard]] std::shared_ptr<attempt_chain> chain_of(const std::string& name, const std::string& group,
                                                          subscription_options& options);
    void add_checks();
    void join_groups();
    void add_health_checks(group_loop& loop);
    [[nodiscard]] exit_code wait_for_groups();
    [[nodiscard]] bool close_producer();

    corvid::settings settings_;
    service_hooks hooks_;
    task_scope scope_;
    std::unique_ptr<parts> parts_;
};

} // namespace corvid

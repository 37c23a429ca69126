// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/service.hpp>

#include <corvid/inbox/exactly_once/exactly_once_stages.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/observe/counted_lines.hpp>
#include <corvid/outbox/relay/relay_group.hpp>
#include <corvid/service/database/own_database.hpp>
#include <corvid/service/detail/group_health.hpp>
#include <corvid/service/http_server.hpp>
#include <corvid/service/runtime.hpp>
#include <corvid/service/signals.hpp>
#include <corvid/version.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <mutex>

namespace corvid {

namespace {

using namespace std::chrono_literals;

// How long after drain and grace the last commit and the leaving of the group may take.
constexpr std::chrono::milliseconds leave_time = 15s;

/// Where a subscription parks.
struct parked_of {
    std::string group;
    std::vector<topic_name> topics;
};

} // namespace

struct service::parts {
    explicit parts(const corvid::settings& s)
        : own(std::make_unique<runtime>(s)),
          cluster(own->cluster()),
          root(own->root()),
          figures(s.service),
          log(logger_of(s, figures)) {}
    parts(const corvid::settings& s, broker::cluster& c, scheduler& r)
        : cluster(c), root(r), figures(s.service), log(logger_of(s, figures)) {}

    static logger logger_of(const corvid::settings& s, metrics& figures) {
        log_settings with = s.log;
        with.counted = counted_lines(figures, std::move(with.counted));
        return logger(std::move(with)).with({{"service", s.service}});
    }

    std::unique_ptr<runtime> own;
    broker::cluster& cluster;
    scheduler& root;
    metrics figures;
    health_registry health;
    logger log;
    dependencies shared{log, &figures};
    std::shared_ptr<span_sink> spans;
    detail::own_database db;
    exactly_once_stages stages;                               // outlive the groups, that hand in there
    std::map<std::string, std::vector<subscription>> waiting; // by group, until start()
    std::map<std::string, parked_of> parking;                 // subscriptions that park, by name
    std::vector<std::string> unfinished;                      // subscriptions whose sentence has not ended
    std::vector<pull_handler*> pulls;
    std::vector<std::shared_ptr<pull_channel>> channels;
    std::once_flag publishes_once; // producer() may race with start() on another thread
    std::unique_ptr<publisher> publishes;
    outbox_detail::relay_group relays;    // send by it
    std::unique_ptr<worker_pool> workers; // outlive the groups, whose handlers run on them
    std::unique_ptr<blocking_pool> blocking;
    std::map<std::string, std::unique_ptr<group_loop>> groups;
    std::vector<health_registry::registration> checks;
    std::unique_ptr<http_server> http;
    gauge build; // exported while it is held
    signal asked_to_stop;
    bool started = false;
    std::optional<exit_code> ended;
};

service::service(corvid::settings with)
    : settings_(std::move(with)), parts_(std::make_unique<parts>(settings_)) {}

service::service(corvid::settings with, broker::cluster& cluster, scheduler& root, service_hooks hooks)
    : settings_(std::move(with)), hooks_(std::move(hooks)) {
    if (auto valid = settings_.validate(); !valid) throw config_error(std::move(valid).error());
    parts_ = std::make_unique<parts>(settings_, cluster, root);
}

service::~service() {
    stop();
    try {
        scope_.wait(parts_->root);
    } catch (const std::exception& e) {
        parts_->log.error("a task of the service has failed", {{"what", std::string_view(e.what())}});
    }
}

message_producer service::producer() {
    auto& p = *parts_;
    std::call_once(p.publishes_once, [&] {
        producer_settings with = producer_settings_of(settings_);
        if (hooks_.seed) with.seed = *hooks_.seed;
        p.publishes = std::make_unique<publisher>(p.cluster, p.root, std::move(with), p.log, &p.figures);
    });
    return message_producer(*p.publishes);
}

metrics& service::figures() noexcept { return parts_->figures; }
health_registry& service::health() noexcept { return parts_->health; }
logger& service::log() noexcept { return parts_->log; }
scheduler& service::root() noexcept { return parts_->root; }
std::uint16_t service::http_port() const noexcept { return parts_->http ? parts_->http->port() : 0; }

std::shared_ptr<inbox_stage> service::stage_of(const std::string& name, const subscription_options& options,
                                               bool takes_units, std::uint32_t handlers) {
    const std::string group = options.group.empty() ? settings_.group_of(name) : options.group;
    return parts_->stages.add({.subscription = name,
                               .group = group,
                               .how = options.exactly_once,
                               .parts = handlers,
                               .takes_units = takes_units,
                               .order = options.order,
                               .retries = options.retry.limit > 1,
                               .has_retry_topics = !options.retry_topics.empty(),
                               .parks_keys = options.rejected == when_rejected::park_key,
                               .in_batches = options.batch.has_value()});
}

corvid::database& service::database() {
    auto& p = *parts_;
    return p.db.open(settings_.database, p.root, p.figures, p.health);
}

service& service::relay(corvid::database& from, relay_settings settings) {
    parts_->relays.add(from, std::move(settings), parts_->started);
    return *this;
}

void service::subscribe(const std::string& name, std::string_view topic, subscription_options options,
                        std::unique_ptr<handler> handle, std::shared_ptr<completion_stage> completes) {
    detail::check_of_handler(name, options);
    add(name, topic, std::move(options), std::move(handle), std::move(completes));
}

void service::add(const std::string& name, std::string_view topic, subscription_options options,
                  std::unique_ptr<handler> handle, std::shared_ptr<completion_stage> completes) {
    if (parts_->started)
        throw config_error(
            error(errc::invalid_argument, {.message = "subscription \"" + name + "\" comes after start()"}));
    subscription s = detail::subscription_of(name, topic, options);
    s.completes = std::move(completes);
    s.handle = std::move(handle);
    const std::string group = options.group.empty() ? settings_.group_of(name) : options.group;
    s.chain = chain_of(name, group, options);
    if (options.rejected == when_rejected::park_key) parts_->parking[name] = {group, s.topics};
    if (hooks_.around) s.handle = hooks_.around(std::move(s.handle), group);
    auto& of_group = parts_->waiting[group];
    of_group.push_back(std::move(s));
    if (auto valid = check_disjoint(group, of_group); !valid) throw config_error(std::move(valid).error());
}

service& service::trace_to(std::shared_ptr<span_sink> sink) {
    parts_->spans = std::move(sink);
    return *this;
}

std::shared_ptr<attempt_chain> service::chain_of(const std::string& name, const std::string& group,
                                                 subscription_options& options) {
    chain_settings with{.breaker = std::move(options.breaker),
                        .rate = std::move(options.rate),
                        .bulkhead = std::move(options.bulkhead),
                        .deadline = options.deadline,
                        .tracing = std::move(options.tracing),
                        .middleware = std::move(options.middleware)};
    if (!with.tracing.sink) with.tracing.sink = parts_->spans;
    if (!with.is_set()) return nullptr;
    return std::make_shared<attempt_chain>(std::move(with), parts_->shared, name, group);
}

parked_keys service::parked(const std::string& subscription, const std::string& topic) {
    auto& p = *parts_;
    const auto known = p.parking.find(subscription);
    if (known == p.parking.end())
        throw config_error(error(errc::invalid_argument,
                                 {.message = "no subscription \"" + subscription + "\" parks its dead keys",
                                  .hint = "set rejected = when_rejected::park_key",
                                  .operation = "parked"}));
    if (topic.empty() && known->second.topics.size() != 1)
        throw config_error(error(errc::invalid_argument, {.message = "subscription \"" + subscription +
                                                                     "\" reads not one topic: say which",
                                                          .operation = "parked"}));
    (void)producer();
    return parked_keys(p.cluster, p.root, *p.publishes,
                       topic.empty() ? known->second.topics.front() : topic_name(topic), known->second.group);
}

std::shared_ptr<pull_channel> service::pull(const std::string& name, std::string_view topic,
                                            subscription_options options) {
    detail::check_of_stream(name, options);
    static_cast<void>(stage_of(name, options, false)); // refuses exactly_once
    options.order = by_partition;                      // "all before it" means something
    options.concurrency = std::numeric_limits<std::size_t>::max();
    options.rejected = when_rejected::stop_partition;
    options.retry_topics.clear();
    auto handle = std::make_unique<pull_handler>();
    auto channel = std::make_shared<pull_channel>();
    channel->from = handle.get();
    channel->root = &parts_->root;
    const std::string group = options.group.empty() ? settings_.group_of(name) : options.group;
    channel->commit = [this, group](const pulled_record& last) {
        if (auto found = parts_->groups.find(group); found != parts_->groups.end())
            found->second->commit_up_to(*last.where, last.since, offset(last.copy->what().offset).next());
    };
    add(name, topic, std::move(options), std::move(handle));
    parts_->pulls.push_back(channel->from);
    parts_->channels.push_back(channel);
    return channel;
}

blocking_pool& service::blocking_threads() {
    auto& pool = parts_->blocking;
    if (!pool) pool = std::make_unique<blocking_pool>(parts_->root, settings_.threads.blocking);
    return *pool;
}

void service::begin_sentence(const std::string& name) { parts_->unfinished.push_back(name); }

void service::end_sentence(const std::string& name) { std::erase(parts_->unfinished, name); }

void service::start() {
    auto& p = *parts_;
    if (!p.unfinished.empty())
        throw config_error(error(errc::invalid_argument,
                                 {.message = "subscription \"" + p.unfinished.front() + "\" is not complete",
                                  .hint = "end its route with otherwise()",
                                  .operation = "subscribe"}));
    if (std::exchange(p.started, true)) return;
    p.log.info("starting", {{"settings", settings_.describe()}});
    if (settings_.kafka.allow_insecure)
        p.log.warn("connections to brokers need not be secure", {{"setting", "kafka.allow_insecure"}});
    (void)producer();
    export_process_metrics(p.figures);
    p.build =
        p.figures.gauge_of(metric::build_info, {corvid::version, kafka::judge_loaded_version().version});
    p.build.set(1);
    const auto starting = p.health.add(probe::readiness, "start", [] {
        return health_status{.ok = false, .detail = "the service is starting"};
    });
    if (!settings_.http.listen.empty())
        p.http = std::make_unique<http_server>(p.root, settings_.http, operator_pages(p.health, p.figures));
    for (const std::string& each : p.stages.warnings())
        p.log.warn(each);
    for (const std::string& each : p.stages.declared())
        p.log.info(each);
    try {
        p.stages.open(&p.figures, p.log);
        add_checks();
        p.relays.open(*p.publishes, p.figures, p.log);
        join_groups();
    } catch (...) { // a database that is younger than the service goes before it
        stop();
        throw;
    }
}

void service::add_checks() {
    auto& p = *parts_;
    // What a dependency suffers from is no reason to restart this process or to keep records from it: it is
    // shown, and fails no probe.
    for (const auto& each : p.shared.breakers())
        p.checks.push_back(p.health.add(probe::liveness, "breaker " + each->name(), [each, &p] {
            return health_status{.ok = true, .detail = each->describe(p.root.steady_now())};
        }));
    for (const auto& each : p.stages.inboxes())
        p.checks.push_back(p.health.add(probe::readiness, "effects of " + each->group(), [&of = *each] {
            std::string trouble = of.trouble();
            return health_status{.ok = trouble.empty(), .detail = std::move(trouble)};
        }));
}

void service::join_groups() {
    auto& p = *parts_;
    if (!p.waiting.empty()) p.workers = std::make_unique<worker_pool>(p.root, settings_.threads.workers);
    std::map<std::string, std::unique_ptr<group_loop>> fresh;
    for (auto& [group, subscriptions] : p.waiting) {
        group_settings g{.source = source_settings_of(settings_),
                         .rebalance_drain = settings_.shutdown.drain,
                         .seed = hooks_.seed.value_or(1),
                         .producer = p.publishes.get(),
                         .workers = p.workers.get(),
                         .crashes = {.suspect_after = static_cast<int>(settings_.kafka.suspect_after)},
                         .service = settings_.service};
        g.source.group = group;
        if (settings_.kafka.membership == membership::fixed)
            g.source.instance_id = group + '.' + settings_.kafka.instance;
        auto loop = std::make_unique<group_loop>(p.cluster, p.root, std::move(g), std::move(subscriptions),
                                                 p.log, &p.figures);
        loop->on_handler_stop = [&p](const error&) { p.asked_to_stop.set(); };
        fresh.emplace(group, std::move(loop));
    }
    p.groups = std::move(fresh);           // all of them, before a reader of one may commit by hand
    for (auto& [group, loop] : p.groups) { // none is joined before the settings of all are known to be good
        loop->start();
        add_health_checks(*loop);
    }
}

bool service::wait_until_assigned(std::chrono::milliseconds patience) {
    auto& p = *parts_;
    const auto until = p.root.steady_now() + patience;
    return p.started && std::ranges::all_of(p.groups, [&](auto& of) {
               return p.root.wait(of.second->was_assigned(), until);
           });
}

void service::add_health_checks(group_loop& loop) {
    auto& p = *parts_;
    p.checks.push_back(p.health.add(probe::liveness, "group " + loop.group(), [&loop, this] {
        return liveness_of(loop, parts_->root.steady_now(), settings_.kafka.max_poll_interval);
    }));
    p.checks.push_back(
        p.health.add(probe::readiness, "group " + loop.group(), [&loop] { return readiness_of(loop); }));
}

void service::request_stop() noexcept { parts_->asked_to_stop.set(); }

exit_code service::wait_for_groups() {
    auto& p = *parts_;
    exit_code code = exit_code::clean;
    const auto until = p.root.steady_now() + settings_.shutdown.drain + settings_.shutdown.grace + leave_time;
    for (auto& [group, loop] : p.groups) {
        if (!loop->is_started()) continue;
        if (!p.root.wait(loop->ended(), until)) {
            if (loop->waits_for_handlers()) {
                p.log.critical("a handler does not return; its records are delivered again",
                               {{"group", group}});
                return exit_code::undrained;
            }
            p.log.critical("the broker does not answer; the group is not left, and what it does not know as "
                           "committed is delivered again",
                           {{"group", group}});
            return exit_code::failed;
        }
        if (loop->how_it_ended() == loop_end::failed) code = exit_code::failed;
        if (loop->how_it_ended() == loop_end::undrained && code == exit_code::clean)
            code = exit_code::undrained;
    }
    p.stages.close();
    return code;
}

bool service::close_producer() {
    auto& p = *parts_;
    const auto patience = std::min(p.publishes->settings().sink.message_timeout, settings_.shutdown.drain);
    auto closed = p.publishes->close(patience);
    if (!closed) p.log.error("not all that was posted could be sent", closed.error());
    return closed.has_value();
}

exit_code service::stop() {
    auto& p = *parts_;
    if (p.ended) return *p.ended;
    if (!p.started) return *(p.ended = exit_code::clean);
    p.log.info("stopping");
    for (auto& [group, loop] : p.groups)
        loop->stop(settings_.shutdown.drain, settings_.shutdown.grace);
    for (pull_handler* pull : p.pulls) // behind stop(): a run that ends earlier would only be begun anew
        pull->close();
    exit_code code = wait_for_groups();
    p.relays.close();
    if (p.publishes && !close_producer() && code == exit_code::clean) code = exit_code::unflushed;
    p.checks.clear();
    p.http.reset();
    p.log.info("stopped", {{"exit", to_string(code)}});
    return *(p.ended = code);
}

int service::run() {
    const termination_signals signals(parts_->root, parts_->asked_to_stop);
    start();
    parts_->root.wait(parts_->asked_to_stop, std::nullopt);
    const exit_code code = stop();
    for (auto& [group, loop] : parts_->groups)
        if (!loop->ended().is_set()) std::_Exit(static_cast<int>(code));
    if (code == exit_code::undrained && scope_.running() > 0) std::_Exit(static_cast<int>(code));
    return static_cast<int>(code);
}

} // namespace corvid

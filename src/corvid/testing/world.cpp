// SPDX-License-Identifier: Apache-2.0
#include <corvid/testing/world.hpp>

#include <corvid/testing/detail/instance.hpp>
#include <corvid/testing/detail/state_of_groups.hpp>

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace corvid::testing {

using detail::instance;

namespace {

using namespace std::chrono_literals;

/// Something that the world does at its time, between two steps.
struct action : timer {
    action(std::deque<action*>& due_now, std::function<void()> what)
        : timer([](work& w) noexcept {
              auto& self = static_cast<action&>(w);
              self.due.push_back(&self);
          }),
          due(due_now),
          run_it(std::move(what)) {}
    std::deque<action*>& due;
    std::function<void()> run_it;
};

logger silent() {
    return logger({.level = log_level::off, .output = [](std::string_view) {}});
}

} // namespace

struct world::parts {
    parts(std::uint64_t seed, const world_settings& with)
        : time(seed),
          log(time, with.keeps_history),
          in{time, broker, log, with.partitions},
          out(std::make_unique<publisher>(broker, time, producer_settings{.seed = seed | 1U}, silent())) {}

    [[nodiscard]] instance& find(const std::string& name) {
        const auto found = running.find(name);
        if (found != running.end()) return *found->second;
        throw std::invalid_argument("there is no instance \"" + name + "\" in the world");
    }
    void start(const std::string& name, std::shared_ptr<const detail::blueprint> of) {
        auto fresh = std::make_unique<instance>(in, std::move(of), name);
        instance& started = *fresh;
        auto& place = running[name];
        if (place) instance::bury(std::move(place));
        place = std::move(fresh);
        started.start();
    }

    simulation time;
    memory::cluster broker{time};
    detail::journal log;
    detail::surroundings in;
    std::unique_ptr<publisher> out;
    std::map<std::string, std::unique_ptr<instance>> running; // the dead ones that nobody revived among them
    std::map<std::string, std::size_t> made;                  // of each service
    std::vector<std::unique_ptr<action>> actions;
    std::deque<action*> due;
};

world::world(std::uint64_t seed, world_settings with) : parts_(std::make_unique<parts>(seed, with)) {}

world::~world() {
    auto& p = *parts_;
    for (auto& each : p.actions)
        p.time.cancel(*each);
    for (auto& [name, one] : p.running)
        one->muzzle();
    for (auto& [name, one] : p.running)
        instance::bury(std::move(one));
    static_cast<void>(p.out->close(0ms));
    p.out.reset();
}

void world::check(const result<void>& answer) const {
    if (!answer)
        throw std::runtime_error(answer.error().describe() + " (world of seed " + std::to_string(seed()) +
                                 ')');
}

// --- services ---------------------------------------------------------------------------------------------

world& world::start(std::function<void(corvid::service&)> build, start_options options) {
    const std::string name = options.settings.service;
    for (const topic_settings& each : options.settings.topics)
        create_topic(each);
    auto plan = std::make_shared<const detail::blueprint>(
        detail::blueprint{std::move(build), std::move(options.settings)});
    for (std::size_t i = 0; i < options.instances; ++i)
        parts_->start(name + '-' + std::to_string(++parts_->made[name]), plan);
    return *this;
}

std::vector<std::string> world::instances_of(const std::string& service) const {
    std::vector<std::string> names;
    for (const auto& [name, one] : parts_->running)
        if (one->made_by()->settings.service == service && one->is_running()) names.push_back(name);
    std::ranges::sort(names, {}, [](const std::string& name) {
        return std::pair(name.size(), name); // …-2 before …-10
    });
    return names;
}

world& world::scale(const std::string& service, std::size_t instances) {
    auto names = instances_of(service);
    if (names.empty()) throw std::invalid_argument("no instance of \"" + service + "\" runs in the world");
    for (; names.size() > instances; names.pop_back())
        static_cast<void>(stop(names.back()));
    const auto plan = parts_->find(names.empty() ? service + "-1" : names.front()).made_by();
    for (std::size_t n = names.size(); n < instances; ++n)
        parts_->start(service + '-' + std::to_string(++parts_->made[service]), plan);
    return *this;
}

exit_code world::stop(const std::string& name) {
    const exit_code code = parts_->find(name).stop();
    revive();
    return code;
}

world& world::start_again(const std::string& name) {
    instance& old = parts_->find(name);
    if (!old.is_running()) parts_->start(name, old.made_by());
    return *this;
}

corvid::service& world::service(const std::string& name) {
    if (!name.empty()) return parts_->find(name).service();
    for (const auto& [each, one] : parts_->running)
        if (one->is_running()) return one->service();
    throw std::invalid_argument("no instance runs in the world");
}

// --- records ----------------------------------------------------------------------------------------------

world& world::create_topic(const topic_settings& topic) {
    auto made = parts_->broker.open_admin()->create_topic(topic_spec_of(topic), 1s);
    if (!made && made.error().code() != errc::topic_exists) check(made);
    return *this;
}

message_producer world::make_topic(std::string_view name) {
    parts_->in.ensure_topic(topic_name(name));
    return message_producer(*parts_->out);
}

world& world::publish_bytes(std::string_view topic, optional_bytes key, optional_bytes value,
                            const send_options& options) {
    message_producer out = make_topic(topic);
    auto to = out.topic(topic);
    if (!to) check(fail(to.error()));
    check(out.post(**to, key, value, options));
    return *this;
}

// --- what goes wrong --------------------------------------------------------------------------------------

world& world::crash_at(const point& where, const crash_options& options) {
    parts_->log.plan(where, options.instance, options.restart_after);
    return *this;
}

world& world::crash(const crash_options& options) {
    parts_->find(options.instance).die("as the test says", options.restart_after);
    return *this;
}

world& world::rebalance(const std::string& group) {
    for (const auto& [name, seen] : parts_->log.groups())
        if (group.empty() || group == name) {
            parts_->log.note("world", "rebalances " + name);
            parts_->broker.script().rebalance(name);
        }
    return *this;
}

world& world::lose_assignment(const std::string& name, const std::string& group) {
    const auto& with = parts_->find(name).made_by()->settings;
    const std::string client = with.kafka.client_id.empty() ? name : with.kafka.client_id;
    for (const auto& [each, seen] : parts_->log.groups()) {
        const auto members = parts_->broker.script().describe(each).members;
        if ((group.empty() || group == each) &&
            std::ranges::any_of(members, [&](const auto& m) { return m.alive && m.client_id == client; })) {
            std::string told = name;
            ((told += " loses what it has of ") += each);
            parts_->log.note("world", told);
            parts_->broker.script().lose_assignment(each, client);
            parts_->log.lose(name, each);
        }
    }
    return *this;
}

world& world::broker_down_for(duration length) {
    parts_->log.note("world", "the broker is down");
    parts_->broker.script().broker_down();
    return after(length, [this] {
        parts_->log.note("world", "the broker is back");
        parts_->broker.script().broker_up();
    });
}

world& world::fail_commits(std::uint64_t count, const std::optional<error>& why) {
    parts_->broker.script().fail_commits(count,
                                         why.value_or(error(errc::timed_out, {.operation = "commit"})));
    return *this;
}

world& world::fail_sends(std::uint64_t count, broker::persistence persisted) {
    const errc code = persisted == broker::persistence::no ? errc::not_persisted : errc::possibly_persisted;
    parts_->broker.script().fail_sends(count, error(code, {.operation = "send"}), persisted);
    return *this;
}

world& world::delay_sends(duration by) {
    parts_->broker.script().delay_sends(by);
    return *this;
}

world& world::after(duration time, std::function<void()> what) {
    auto& made = *parts_->actions.emplace_back(std::make_unique<action>(parts_->due, std::move(what)));
    parts_->time.at(parts_->time.steady_now() + time, made);
    return *this;
}

// --- time -------------------------------------------------------------------------------------------------

// Who died since the last look is to start anew at its time.
void world::revive() {
    for (auto& [name, one] : parts_->running) {
        if (!one->is_dead() || one->was_mourned()) continue;
        one->mourn();
        ++crashes_;
        if (const auto in = one->restart_after()) after(*in, [this, who = name] { start_again(who); });
    }
}

void world::do_what_is_due() {
    revive();
    while (!parts_->due.empty()) {
        action* const next = parts_->due.front();
        parts_->due.pop_front();
        const auto what = std::move(next->run_it);
        std::erase_if(parts_->actions, [&](const auto& each) { return each.get() == next; });
        what();
        revive();
    }
}

bool world::drive(const std::function<bool()>& holds, duration limit) {
    const steady_time end = parts_->time.steady_now() + limit;
    const std::uint64_t& deaths = parts_->in.deaths;
    for (;;) {
        do_what_is_due();
        if (holds()) return true;
        const std::uint64_t before = deaths;
        const bool stopped =
            parts_->time.run_until([&] { return !parts_->due.empty() || deaths != before || holds(); },
                                   std::max(duration(0), duration(end - parts_->time.steady_now())));
        if (!stopped) return false;
    }
}

world& world::run_for(duration length) {
    const steady_time end = parts_->time.steady_now() + length;
    static_cast<void>(drive([] { return false; }, length));
    if (end > parts_->time.steady_now()) parts_->time.advance(end - parts_->time.steady_now());
    return *this;
}

bool world::run_until(const std::function<bool()>& holds, duration limit) { return drive(holds, limit); }

bool world::are_sends_waiting() {
    return parts_->out->in_flight().records() > 0 ||
           std::ranges::any_of(parts_->running, [](const auto& each) {
               instance& one = *each.second;
               return one.is_running() && one.service().producer().bytes().in_flight().records() > 0;
           });
}

bool world::is_consumed() { return !are_sends_waiting() && detail::is_consumed(parts_->log, parts_->broker); }

// Only a commit or a report can have made a difference, and looking costs more than a step.
world& world::run_until_consumed(duration limit) {
    std::uint64_t seen = ~std::uint64_t{0};
    bool sends_wait = true, reached = false;
    const auto holds = [&] {
        const std::uint64_t commits = parts_->log.commits_counted();
        if (reached || (commits == seen && !sends_wait)) return reached;
        seen = commits;
        sends_wait = are_sends_waiting();
        return reached = !sends_wait && detail::is_consumed(parts_->log, parts_->broker);
    };
    if (drive(holds, limit) || is_consumed()) return *this;
    throw std::runtime_error("not all is consumed after " + detail::seconds_of(limit) + " of virtual time\n" +
                             describe());
}

// --- what came of it --------------------------------------------------------------------------------------

listed<kept_record> world::records(std::string_view topic) const {
    listed<kept_record> all;
    all.seed = seed();
    const topic_name name(topic);
    for (std::int32_t p = 0; p < parts_->broker.script().partitions_of(name); ++p)
        for (auto& each : parts_->broker.script().records_of({name, partition_id(p)}))
            all.push_back({std::move(each), {name, partition_id(p)}});
    return all;
}

listed<kept_record> world::dead_letters(std::string_view topic, std::string_view group) const {
    return records(std::string(topic) + '.' + std::string(group) + ".dlq");
}

std::map<std::int32_t, std::int64_t> world::committed(std::string_view group, std::string_view topic) const {
    std::map<std::int32_t, std::int64_t> all;
    const topic_name name(topic);
    for (std::int32_t p = 0; p < parts_->broker.script().partitions_of(name); ++p)
        if (const auto at = parts_->broker.script().committed(std::string(group), {name, partition_id(p)}))
            all[p] = at->value;
    return all;
}

listed<handled_record> world::handled(std::string_view group) const {
    listed<handled_record> all;
    all.seed = seed();
    std::ranges::copy_if(parts_->log.handled(), std::back_inserter(all),
                         [&](const auto& one) { return group.empty() || one.group == group; });
    return all;
}

const std::vector<commit_seen>& world::commits() const { return parts_->log.commits(); }
const std::vector<tenancy_seen>& world::tenancies() const { return parts_->log.tenancies(); }
std::uint64_t world::seed() const noexcept { return parts_->time.seed(); }
duration world::now() const { return parts_->log.now(); }
const std::vector<std::string>& world::trace() const { return parts_->log.lines(); }
simulation& world::time() noexcept { return parts_->time; }
memory::cluster& world::broker() noexcept { return parts_->broker; }

std::string world::describe() const {
    std::string text = "world of seed " + std::to_string(seed()) + ", at " + detail::seconds_of(now()) + '\n';
    for (const auto& [name, one] : parts_->running)
        text += "  " + name +
                (one->is_dead()      ? " is dead\n"
                 : one->is_running() ? " runs\n"
                                     : " is stopped\n");
    text += detail::state_of_groups(parts_->log, parts_->broker);
    for (const auto& each : parts_->log.planned())
        text += "  a crash waits: " + std::string(to_string(each.at)) + '\n';
    const std::string last = parts_->log.last_lines(20);
    return last.empty() ? text : text + "  last events\n" + last;
}

} // namespace corvid::testing

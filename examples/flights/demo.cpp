// SPDX-License-Identifier: Apache-2.0
#include "demo.hpp"

#include "publish.hpp"
#include <corvid/base/ids.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/service/runtime.hpp>

#include <array>
#include <random>
#include <stdexcept>

namespace flights {

using namespace std::chrono_literals;

namespace {

constexpr auto reach_time = 5s;
constexpr auto join_time = 60s;
constexpr auto stall_time = 60s;

std::unique_ptr<corvid::broker::cluster> open_cluster(const options& o, corvid::scheduler& root) {
    if (o.in_process()) return std::make_unique<corvid::memory::cluster>(root);
    return std::make_unique<corvid::kafka::cluster>(
        corvid::kafka::connection_settings{.bootstrap = o.broker});
}

constexpr auto flight_topic = corvid::message_traits<flight_reported>::topic;
constexpr const char* dead_letter_topic = "air.flight.reported.flights.rotations.dlq";
constexpr std::array groups = {std::pair{"flights.punctuality", flight_topic},
                               std::pair{"flights.rotations", flight_topic},
                               std::pair{"flights.dead-letters", std::string_view(dead_letter_topic)}};

std::vector<corvid::topic_settings> topics() {
    return {{.name = std::string(flight_topic), .partitions = 12},
            {.name = dead_letter_topic, .partitions = 12},
            {.name = "air.planes", .partitions = 12, .cleanup = corvid::cleanup_policy::compact},
            {.name = "air.airlines", .cleanup = corvid::cleanup_policy::compact}};
}

std::string fresh_run(corvid::scheduler& clock) {
    std::random_device entropy;
    return to_string(
        corvid::id_generator(std::uint64_t{entropy()} << 32 | entropy()).uuid7(clock.wall_now()));
}

} // namespace

demo::instance::instance(const corvid::settings& with, corvid::broker::cluster& cluster,
                         corvid::scheduler& root, shared& of)
    : state(of.run, of.seen, root), following(of.run, of.planes), service(with, cluster, root) {
    // One call at a time: the states have no locks.
    service.on<flight_reported>(
        "punctuality",
        [this](const corvid::received<flight_reported>& flight) { return state.handle(flight); },
        {.concurrency = 1});
    service.on<flight_reported>(
        "rotations",
        [this](const corvid::received<flight_reported>& flight) { return following.handle(flight); },
        {.concurrency = 1});
    service.on<flight_reported>(
        "dead-letters",
        [&of](const corvid::received<flight_reported>& letter) { return of.letters.handle(letter); },
        {.topics = {dead_letter_topic}, .concurrency = 1});
}

demo::demo(const options& with) : options_(with), cluster_(open_cluster(with, root_)), progress_(root_) {
    create_topics();
}

demo::~demo() = default;

void demo::create_topics() {
    auto reached = cluster_->open_admin()->list_topics(reach_time);
    if (!reached)
        throw std::runtime_error("the broker at " + options_.broker +
                                 " does not answer: " + reached.error().describe());
    if (auto made = corvid::create_topics(*cluster_, topics(), 10s); !made)
        throw std::runtime_error("cannot create the topics: " + made.error().describe());
}

corvid::settings demo::service_settings() const {
    corvid::settings s{.service = "flights",
                       .kafka = {.bootstrap = options_.broker},
                       .produce = {.message_timeout = 30s},
                       .topics = topics()};
    s.http.listen.clear(); // several instances in one process
    s.log.level = corvid::log_level::warn;
    s.log.format = corvid::log_format::human;
    return s;
}

void demo::pause(corvid::signal& stop) {
    if (root_.wait(stop, root_.steady_now() + 20ms)) throw interrupted();
}

void demo::start_instances(corvid::signal& stop) {
    for (std::uint32_t i = 0; i < options_.instances; ++i)
        instances_.push_back(std::make_unique<instance>(service_settings(), *cluster_, root_, *shared_));
    for (auto& each : instances_)
        each->service.start();
    wait_for_partitions(stop);
}

/// So that the latencies are those of records, not of a group that is still forming.
void demo::wait_for_partitions(corvid::signal& stop) {
    const auto until = root_.steady_now() + join_time;
    for (const auto& [group, topic] : groups) {
        auto its = cluster_->open_admin()->describe_topic(corvid::topic_name(std::string(topic)), reach_time);
        if (!its) throw std::runtime_error("cannot describe a topic: " + its.error().describe());
        while (assigned_to(group) != its->partitions) {
            if (root_.steady_now() > until)
                throw std::runtime_error("the group " + std::string(group) + " did not form within a minute" +
                                         trouble());
            pause(stop);
        }
    }
}

double demo::assigned_to(const std::string& group) {
    double assigned = 0;
    for (auto& each : instances_) {
        const double its =
            each->service.figures().gauge_of(corvid::metric::assigned_partitions, {group}).value();
        if (its > 0) assigned += its;
    }
    return assigned;
}

run_figures demo::run(corvid::signal& stop, tally& expected) {
    flight_file file(options_.data);
    const std::int64_t rows = std::min(options_.rows.value_or(file.csv().rows()), file.csv().rows());
    const std::string run = fresh_run(root_);
    shared_.emplace(run, rows);
    start_instances(stop);

    publisher out(instances_.front()->service.producer(), run);
    const std::int64_t airlines = out.airlines(options_.data);
    const std::int64_t planes = out.planes(options_.data);
    out.flush(root_);
    progress_.say(grouped(airlines) + " airlines and " + grouped(planes) + " planes published; now " +
                  grouped(rows) + " flights, to " + std::to_string(options_.instances) + " instances");

    run_figures figures;
    figures.instances = options_.instances;
    const auto start = root_.steady_now();
    publish_flights(out, file, rows, stop);
    figures.publish_seconds = seconds_since(start);
    wait_for_all(rows, stop);
    figures.seconds = seconds_since(start);
    stop_instances();
    sum_up(figures);
    expected = file.expected();
    return figures;
}

void demo::publish_flights(publisher& out, flight_file& file, std::int64_t rows, corvid::signal& stop) {
    while (file.csv().row() < rows && file.next()) {
        out.flight(file);
        if (file.csv().row() % 512 != 0) continue;
        if (stop.is_set()) throw interrupted();
        progress_.show(file.csv().row(), shared_->handled(), rows);
    }
    out.flush(root_);
}

void demo::sum_up(run_figures& figures) {
    for (auto& each : instances_) {
        figures.counted += each->state.counted;
        figures.times += each->state.times;
        figures.repeated += each->state.repeated;
        figures.of_others += each->state.of_others;
        figures.misplaced += each->state.misplaced;
        for (const auto& [group, topic] : groups) {
            const std::string name = std::string(group).substr(std::string_view("flights.").size());
            figures.retried += static_cast<std::int64_t>(
                each->service.figures()
                    .counter_of(corvid::metric::messages_consumed, {std::string(topic), group, name, "retry"})
                    .value());
        }
    }
    figures.followed = shared_->planes.followed();
    figures.aircraft = shared_->planes.aircraft();
    figures.order_violations = shared_->planes.order_violations();
    figures.dead_lettered = shared_->letters.count();
    figures.misplaced += shared_->letters.wrong();
}

void demo::wait_for_all(std::int64_t rows, corvid::signal& stop) {
    std::int64_t last = -1;
    corvid::steady_time moved{};
    for (std::int64_t now = shared_->handled(); now < rows; now = shared_->handled()) {
        if (now != last) {
            last = now;
            moved = root_.steady_now();
        } else if (root_.steady_now() > moved + stall_time) {
            throw std::runtime_error("nothing has moved for a minute and " + grouped(rows - now) +
                                     " flights are not handled" + trouble());
        }
        progress_.show(rows, now, rows);
        pause(stop);
    }
    progress_.clear();
}

void demo::stop_instances() {
    for (auto& each : instances_)
        if (const auto code = each->service.stop(); code != corvid::exit_code::clean)
            throw std::runtime_error("an instance did not stop as it should: " +
                                     std::string(to_string(code)));
}

std::string demo::trouble() const {
    std::string all;
    for (const auto& each : instances_)
        for (const auto& check : each->service.health().report(corvid::probe::readiness).checks)
            if (!check.status.ok) all += "; " + check.name + ": " + check.status.detail;
    return all;
}

double demo::seconds_since(corvid::steady_time start) const {
    return std::chrono::duration<double>(root_.steady_now() - start).count();
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
#include "demo.hpp"

#include "publish.hpp"
#include <corvid/base/ids.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/service/runtime.hpp>

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

std::vector<corvid::topic_settings> topics() {
    return {{.name = "air.flight.reported", .partitions = 12},
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
                         corvid::scheduler& root, const std::string& run, rows_seen& seen)
    : state(run, seen, root), service(with, cluster, root) {
    service.on<flight_reported>(
        "punctuality",
        [this](const corvid::received<flight_reported>& flight) { return state.handle(flight); },
        {.concurrency = 1}); // one call at a time: the state has no lock
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

void demo::start_instances(const std::string& run, corvid::signal& stop) {
    for (std::uint32_t i = 0; i < options_.instances; ++i)
        instances_.push_back(std::make_unique<instance>(service_settings(), *cluster_, root_, run, *seen_));
    for (auto& each : instances_)
        each->service.start();
    wait_for_partitions(stop);
}

/// So that the latencies are those of records, not of a group that is still forming.
void demo::wait_for_partitions(corvid::signal& stop) {
    auto topic = cluster_->open_admin()->describe_topic(
        corvid::topic_name(corvid::message_traits<flight_reported>::topic), reach_time);
    if (!topic) throw std::runtime_error("cannot describe the topic: " + topic.error().describe());
    const auto until = root_.steady_now() + join_time;
    for (;;) {
        double assigned = 0;
        for (auto& each : instances_) {
            const double its = each->service.figures()
                                   .gauge_of(corvid::metric::assigned_partitions, {"flights.punctuality"})
                                   .value();
            if (its > 0) assigned += its;
        }
        if (assigned == topic->partitions) return;
        if (root_.steady_now() > until)
            throw std::runtime_error("the group flights.punctuality did not form within a minute" +
                                     trouble());
        pause(stop);
    }
}

run_figures demo::run(corvid::signal& stop, tally& expected) {
    flight_file file(options_.data);
    const std::int64_t rows = std::min(options_.rows.value_or(file.csv().rows()), file.csv().rows());
    const std::string run = fresh_run(root_);
    rows_seen& seen = seen_.emplace(rows);
    start_instances(run, stop);

    publisher out(instances_.front()->service.producer(), run);
    const std::int64_t airlines = out.airlines(options_.data);
    const std::int64_t planes = out.planes(options_.data);
    out.flush(root_);
    progress_.say(grouped(airlines) + " airlines and " + grouped(planes) + " planes published; now " +
                  grouped(rows) + " flights, to " + std::to_string(options_.instances) + " instances");

    run_figures figures;
    figures.instances = options_.instances;
    const auto start = root_.steady_now();
    while (file.csv().row() < rows && file.next()) {
        out.flight(file);
        if (file.csv().row() % 512 != 0) continue;
        if (stop.is_set()) throw interrupted();
        progress_.show(file.csv().row(), seen.count(), rows);
    }
    out.flush(root_);
    figures.publish_seconds = seconds_since(start);
    wait_for_all(rows, stop);
    figures.seconds = seconds_since(start);
    stop_instances();
    for (auto& each : instances_) {
        figures.counted += each->state.counted;
        figures.times += each->state.times;
        figures.repeated += each->state.repeated;
        figures.of_others += each->state.of_others;
        figures.misplaced += each->state.misplaced;
    }
    expected = file.expected();
    return figures;
}

void demo::wait_for_all(std::int64_t rows, corvid::signal& stop) {
    std::int64_t last = -1;
    corvid::steady_time moved{};
    for (std::int64_t now = seen_->count(); now < rows; now = seen_->count()) {
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

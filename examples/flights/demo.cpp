// SPDX-License-Identifier: Apache-2.0
#include "demo.hpp"

#include "publish.hpp"
#include "setup.hpp"
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
constexpr auto look_every = 50ms;

std::unique_ptr<corvid::broker::cluster> open_cluster(const options& o, corvid::scheduler& root) {
    if (o.in_process()) return std::make_unique<corvid::memory::cluster>(root);
    return std::make_unique<corvid::kafka::cluster>(
        corvid::kafka::connection_settings{.bootstrap = o.broker});
}

options with_database(options o, std::optional<scratch_file>& scratch) {
    if (o.database.empty()) o.database = scratch.emplace().url();
    return o;
}

constexpr auto flight_topic = corvid::message_traits<flight_reported>::topic;
constexpr std::array groups = {
    std::pair{punctuality::group, flight_topic}, std::pair{"flights.rotations", flight_topic},
    std::pair{"flights.dead-letters", std::string_view(dead_letter_topic)},
    std::pair{"flights.cancellations", corvid::message_traits<flight_cancelled>::topic}};

std::string fresh_run(corvid::scheduler& clock) {
    std::random_device entropy;
    return to_string(
        corvid::id_generator(std::uint64_t{entropy()} << 32 | entropy()).uuid7(clock.wall_now()));
}

} // namespace

demo::instance::instance(const options& o, corvid::broker::cluster& cluster, corvid::scheduler& root,
                         board& on, shared& of)
    : state(of.run, of.rows, root),
      following(of.run, of.planes),
      service(service_settings(o), cluster, root) {
    state.join(service, on);
    // One call at a time: the states have no locks.
    service.on<flight_reported>(
        "rotations",
        [this](const corvid::received<flight_reported>& flight) { return following.handle(flight); },
        {.concurrency = 1});
    service.on<flight_reported>(
        "dead-letters",
        [&of](const corvid::received<flight_reported>& letter) { return of.letters.handle(letter); },
        {.topics = {dead_letter_topic}, .concurrency = 1});
    service.on<flight_cancelled>(
        "cancellations",
        [&of](const corvid::received<flight_cancelled>& event) { return of.cancelled.handle(event); },
        {.concurrency = 1});
    service.relay(on.where());
}

demo::demo(const options& with)
    : options_(with_database(with, scratch_)),
      cluster_(open_cluster(options_, root_)),
      board_(root_, options_.database),
      progress_(root_) {
    create_topics();
    board_.make();
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

void demo::pause(corvid::signal& stop) {
    if (root_.wait(stop, root_.steady_now() + 20ms)) throw interrupted();
}

void demo::start_members(corvid::signal& stop) {
    if (auto* const memory = dynamic_cast<corvid::memory::cluster*>(cluster_.get()))
        doomed_ = member_in_process(options_, shared_->run, shared_->rows, *memory, root_, board_);
    else
        doomed_ = member_process(options_, shared_->run, shared_->rows);
    for (std::uint32_t i = 0; i < options_.instances; ++i)
        instances_.push_back(std::make_unique<instance>(options_, *cluster_, root_, board_, *shared_));
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
    double assigned = group == punctuality::group ? doomed_->counts().partitions : 0;
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
    shared_.emplace(fresh_run(root_), rows);
    start_members(stop);

    publisher out(instances_.front()->service.producer(), shared_->run);
    const std::int64_t airlines = out.airlines(options_.data);
    const std::int64_t planes = out.planes(options_.data);
    out.flush(root_);
    progress_.say(grouped(airlines) + " airlines and " + grouped(planes) + " planes published; now " +
                  grouped(rows) + " flights, to " + std::to_string(options_.instances) +
                  " instances and a member that dies");

    run_figures figures;
    figures.instances = options_.instances;
    const auto start = root_.steady_now();
    publish_flights(out, file, stop);
    figures.publish_seconds = seconds_since(start);
    figures.posted_twice = out.posted_twice();
    expected = file.expected();
    figures.cancelled = expected.total().cancelled;
    wait_for_all(figures, stop);
    figures.seconds = seconds_since(start);
    stop_instances();
    sum_up(figures);
    return figures;
}

void demo::publish_flights(publisher& out, flight_file& file, corvid::signal& stop) {
    const std::int64_t rows = shared_->rows;
    while (file.csv().row() < rows && file.next()) {
        out.flight(file);
        if (file.csv().row() == (rows + 1) / 2) kill_member(file.csv().row(), stop);
        if (file.csv().row() % 512 != 0) continue;
        if (stop.is_set()) throw interrupted();
        progress_.show(file.csv().row(), handled(), rows);
    }
    out.flush(root_);
}

/// As soon as it has had some effect; where it has no partition, or nothing came to it, when all else is
/// done.
void demo::kill_member(std::int64_t published, corvid::signal& stop) {
    const auto until = root_.steady_now() + stall_time;
    while (doomed_->counts().processed == 0 && handled() < published && root_.steady_now() < until)
        pause(stop);
    const punctuality_counts last = doomed_->counts();
    doomed_->kill();
    progress_.clear();
    progress_.say("a member of flights.punctuality is dead: it had counted " + grouped(last.processed) +
                  " flights; the others take over what it has not committed");
}

std::int64_t demo::handled() {
    if (root_.steady_now() >= next_look_) {
        on_board_ = board_.flights(shared_->run).value_or(on_board_);
        next_look_ = root_.steady_now() + look_every;
    }
    return std::min(on_board_, shared_->followed());
}

punctuality_counts demo::counts() {
    punctuality_counts all = doomed_->counts();
    for (auto& each : instances_) {
        const punctuality_counts its = counts_of(each->service);
        all.processed += its.processed;
        all.duplicates += its.duplicates;
    }
    return all;
}

void demo::sum_up(run_figures& figures) {
    figures.counted = board_.counted(shared_->run);
    figures.duplicates_skipped = counts().duplicates;
    doomed_->sum_up(figures.times, figures.misplaced);
    for (auto& each : instances_) {
        figures.times += each->state.times;
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
    figures.outbox_published = shared_->cancelled.count();
    figures.misplaced += shared_->letters.wrong() + shared_->cancelled.misplaced();
}

bool demo::is_all_done(const run_figures& figures) {
    return handled() >= shared_->rows && shared_->cancelled.count() >= figures.cancelled &&
           counts().duplicates >= figures.posted_twice;
}

void demo::wait_for_all(const run_figures& figures, corvid::signal& stop) {
    std::int64_t last = -1;
    corvid::steady_time moved{};
    while (!is_all_done(figures)) {
        const std::int64_t now = handled() + shared_->cancelled.count() + counts().duplicates;
        if (now != last) {
            last = now;
            moved = root_.steady_now();
        } else if (root_.steady_now() > moved + stall_time) {
            throw std::runtime_error("nothing has moved for a minute: " + grouped(shared_->rows - handled()) +
                                     " flights are not handled and " +
                                     grouped(figures.cancelled - shared_->cancelled.count()) +
                                     " cancellations have not come" + trouble());
        }
        progress_.show(shared_->rows, handled(), shared_->rows);
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

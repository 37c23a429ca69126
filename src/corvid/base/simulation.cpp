// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/simulation.hpp>

#include <corvid/base/detail/this_thread.hpp>
#include <corvid/base/random.hpp>
#include <corvid/base/timer_queue.hpp>

#include <algorithm>
#include <cassert>
#include <set>
#include <stdexcept>
#include <vector>

namespace corvid {

// What all loops share. `loops` holds them in the order of their making, which is the same in every run of a
// seed.
struct simulation::core {
    core(std::uint64_t s, simulation_options o) : seed(s), settings(o), random(s) {}

    [[nodiscard]] sim_loop* draw_ready();
    [[nodiscard]] std::optional<steady_time> next_due() const noexcept;
    bool step_before(steady_time limit);
    void run_one(sim_loop& next);
    void move_to(steady_time when) noexcept;
    [[nodiscard]] steady_time after(duration span) const noexcept {
        return span < steady_time::max() - now ? now + span : steady_time::max();
    }
    [[nodiscard]] bool on_own_thread() const noexcept { return detail::thread_mark() == thread; }

    const std::uint64_t seed;
    const simulation_options settings;
    const void* const thread = detail::thread_mark();
    const steady_time start{std::chrono::hours{24}};
    steady_time now = start;
    prng random;
    std::vector<sim_loop*> loops = {};
    std::uint64_t processes_made = 0;
    std::set<std::uint64_t> frozen = {}; // processes
    std::uint64_t loops_made = 0;
    std::uint64_t steps = 0;
    std::uint64_t steps_here = 0;
    std::uint64_t fingerprint = 0xcbf29ce484222325U;
};

class simulation::sim_loop final : public scheduler {
public:
    /// `self` is what current() answers while its nodes run.
    sim_loop(std::shared_ptr<core> shared, scheduler* self, std::uint64_t process)
        : core_(std::move(shared)),
          self_(self ? self : this),
          number_(core_->loops_made++),
          process_(process) {
        if (!core_->frozen.contains(process)) core_->loops.push_back(this);
    }
    ~sim_loop() override {
        stop();
        std::erase(core_->loops, this);
    }
    sim_loop(const sim_loop&) = delete;
    sim_loop& operator=(const sim_loop&) = delete;

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t process() const noexcept { return process_; }
    [[nodiscard]] bool ready() const noexcept { return !queue_.empty() || timers_.due_at(core_->now); }
    [[nodiscard]] const timer_queue& timers() const noexcept { return timers_; }

    /// Runs the next node. Between a posted node and a timer that is due, a draw decides: no real loop
    /// promises an order.
    void run_one() noexcept {
        const bool due = timers_.due_at(core_->now);
        const bool timer_first = due && (queue_.empty() || core_->random.below(2) == 0);
        work& next = timer_first ? timers_.pop() : *queue_.pop();
        scheduler* const before = enter(self_);
        {
            const turn this_one;
            next.run(next);
        }
        enter(before);
    }

    using scheduler::post;
    void post(work_list&& nodes) noexcept override {
        assert(core_->on_own_thread());
        if (!stopped_) queue_.append(std::move(nodes));
    }
    void at(steady_time when, timer& node) override {
        assert(core_->on_own_thread());
        if (!stopped_) timers_.add(when, node);
    }
    bool cancel(timer& node) noexcept override { return timers_.remove(node); }
    void watch(watcher&) override {
        throw std::logic_error("a simulated scheduler has no descriptors to watch");
    }
    void unwatch(watcher&) noexcept override {}
    void when_writable(watcher& node, work&) override { watch(node); }
    std::unique_ptr<loop_thread> run_thread(std::string name, std::function<void(scheduler&)> start) override;
    steady_time steady_now() const noexcept override { return core_->now; }
    wall_time wall_now() const noexcept override {
        return core_->settings.wall_start +
               std::chrono::floor<std::chrono::milliseconds>(core_->now - core_->start);
    }
    std::size_t cores() const noexcept override { return core_->settings.cores; }
    bool wait(signal& done, std::optional<steady_time> deadline) override;
    // The nodes are let go here, where they still live, and never touched again.
    void stop() noexcept override {
        stopped_ = true;
        timers_.clear();
        while (queue_.pop() != nullptr) {}
    }

private:
    friend class simulation;
    struct thread;

    std::shared_ptr<core> core_;
    scheduler* self_;
    std::uint64_t number_;
    std::uint64_t process_;
    work_list queue_;
    timer_queue timers_;
    bool stopped_ = false;
};

namespace {

void refuse_from_a_node() {
    if (scheduler::current())
        throw std::logic_error(
            "a node must not run or wait for the scheduler that runs it: it would block its loop");
}

} // namespace

simulation::sim_loop* simulation::core::draw_ready() {
    std::uint64_t ready = 0;
    for (const sim_loop* each : loops)
        ready += each->ready() ? 1U : 0U;
    if (ready == 0) return nullptr;
    std::uint64_t skip = ready == 1 ? 0 : random.below(ready);
    return *std::ranges::find_if(loops, [&](const sim_loop* each) { return each->ready() && skip-- == 0; });
}

std::optional<steady_time> simulation::core::next_due() const noexcept {
    std::optional<steady_time> first;
    for (const sim_loop* each : loops)
        if (!each->timers().empty())
            first = std::min(first.value_or(steady_time::max()), each->timers().next_due());
    return first;
}

void simulation::core::move_to(steady_time when) noexcept {
    if (when <= now) return;
    now = when;
    steps_here = 0;
}

void simulation::core::run_one(sim_loop& next) {
    if (++steps_here > settings.steps_at_one_instant)
        throw std::runtime_error("simulation with seed " + std::to_string(seed) +
                                 ": nodes run without end while time stands still");
    ++steps;
    for (const std::uint64_t word :
         {next.number(), static_cast<std::uint64_t>(now.time_since_epoch().count())})
        fingerprint = (fingerprint ^ word) * 0x100000001b3U;
    next.run_one();
}

// One node, if one is ready or becomes so by `limit`; else false, and time has not moved.
bool simulation::core::step_before(steady_time limit) {
    sim_loop* next = draw_ready();
    if (!next) {
        const auto due = next_due();
        if (!due || *due > limit) return false;
        move_to(*due);
        next = draw_ready();
    }
    run_one(*next);
    return true;
}

bool simulation::sim_loop::wait(signal& done, std::optional<steady_time> deadline) {
    refuse_from_a_node();
    const steady_time limit = deadline.value_or(steady_time::max());
    while (!done.is_set()) {
        if (core_->now > limit || !core_->step_before(limit)) {
            if (deadline) core_->move_to(limit);
            return false;
        }
    }
    return true;
}

// The first node is a member that outlives the loop: a loop that ends before it ran lets go of it alive.
struct simulation::sim_loop::thread final : loop_thread {
    struct first_node : work {
        explicit first_node(std::function<void(scheduler&)> s)
            : work([](work& self) noexcept { static_cast<first_node&>(self).start(*current()); }),
              start(std::move(s)) {}
        std::function<void(scheduler&)> start;
    };

    thread(std::shared_ptr<core> shared, std::function<void(scheduler&)> start, std::uint64_t process)
        : first(std::move(start)), made(std::move(shared), nullptr, process) {
        made.post(first);
    }
    scheduler& loop() noexcept override { return made; }

    first_node first;
    sim_loop made;
};

std::unique_ptr<loop_thread> simulation::sim_loop::run_thread(std::string,
                                                              std::function<void(scheduler&)> start) {
    return std::make_unique<thread>(core_, std::move(start), process_);
}

simulation::simulation(std::uint64_t seed, simulation_options settings)
    : core_(std::make_shared<core>(seed, settings)), main_(std::make_unique<sim_loop>(core_, this, 0)) {}
simulation::~simulation() = default;

bool simulation::step() {
    refuse_from_a_node();
    return core_->step_before(steady_time::max());
}

std::uint64_t simulation::run_ready() {
    refuse_from_a_node();
    const std::uint64_t before = core_->steps;
    while (sim_loop* next = core_->draw_ready())
        core_->run_one(*next);
    return core_->steps - before;
}

bool simulation::run_until_idle(duration limit) {
    refuse_from_a_node();
    const steady_time end = core_->after(limit);
    while (core_->now <= end && core_->step_before(end)) {}
    return !core_->draw_ready() && !core_->next_due();
}

void simulation::run_for(duration span) {
    refuse_from_a_node();
    const steady_time end = core_->after(span);
    while (core_->now <= end && core_->step_before(end)) {}
    core_->move_to(end);
}

bool simulation::run_until(const std::function<bool()>& done, duration limit) {
    refuse_from_a_node();
    const steady_time end = core_->after(limit);
    while (!done())
        if (core_->now > end || !core_->step_before(end)) return false;
    return true;
}

std::unique_ptr<loop_thread> simulation::run_process(const std::string& /*name*/) {
    return std::make_unique<sim_loop::thread>(core_, [](scheduler&) {}, ++core_->processes_made);
}

void simulation::freeze(const scheduler& loop) noexcept {
    const auto found =
        std::ranges::find_if(core_->loops, [&](const sim_loop* each) { return each == &loop; });
    if (found == core_->loops.end()) return;
    const std::uint64_t process = (*found)->process();
    core_->frozen.insert(process);
    std::erase_if(core_->loops, [&](const sim_loop* each) { return each->process() == process; });
}

void simulation::advance(duration span) noexcept { core_->move_to(core_->after(span)); }
std::uint64_t simulation::seed() const noexcept { return core_->seed; }
std::uint64_t simulation::steps() const noexcept { return core_->steps; }
std::uint64_t simulation::fingerprint() const noexcept { return core_->fingerprint; }

void simulation::post(work_list&& nodes) noexcept { main_->post(std::move(nodes)); }
void simulation::at(steady_time when, timer& node) { main_->at(when, node); }
bool simulation::cancel(timer& node) noexcept { return main_->cancel(node); }
void simulation::watch(watcher& node) { main_->watch(node); }
void simulation::unwatch(watcher& node) noexcept { main_->unwatch(node); }
void simulation::when_writable(watcher& node, work& once) { main_->when_writable(node, once); }
steady_time simulation::steady_now() const noexcept { return core_->now; }
wall_time simulation::wall_now() const noexcept { return main_->wall_now(); }
std::size_t simulation::cores() const noexcept { return main_->cores(); }
bool simulation::wait(signal& done, std::optional<steady_time> deadline) {
    return main_->wait(done, deadline);
}
void simulation::stop() noexcept { main_->stop(); }
std::unique_ptr<loop_thread> simulation::run_thread(std::string name, std::function<void(scheduler&)> start) {
    return main_->run_thread(std::move(name), std::move(start));
}

} // namespace corvid

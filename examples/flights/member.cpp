// SPDX-License-Identifier: Apache-2.0
#include "member.hpp"

#include "setup.hpp"
#include <corvid/service/signals.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace flights {

using namespace std::chrono_literals;

namespace {

constexpr const char* client = "doomed";

/// It has nothing to say when it is dead.
corvid::settings silent(corvid::settings s) {
    s.log.level = corvid::log_level::off;
    return s;
}

class dropped_member final : public doomed_member {
public:
    dropped_member(const options& o, const std::string& run, std::int64_t rows,
                   corvid::memory::cluster& cluster, corvid::scheduler& root, board& on)
        : cluster_(cluster),
          state_(run, rows, root),
          service_(silent(service_settings(o, client)), cluster, root) {
        state_.join(service_, on);
        service_.start();
    }
    /// What it had begun ends only now, as that of a process that was thought dead.
    ~dropped_member() override { service_.stop(); }

    punctuality_counts counts() override { return counts_of(service_); }
    void kill() override { cluster_.script().drop_member(punctuality::group, client); }
    void sum_up(latencies& times, std::int64_t& misplaced) override {
        service_.stop();
        times += state_.times;
        misplaced += state_.misplaced;
    }

private:
    corvid::memory::cluster& cluster_;
    punctuality state_;
    corvid::service service_;
};

class killed_process final : public doomed_member {
public:
    explicit killed_process(std::vector<std::string> arguments) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
        from_ = ends[0];
        std::vector<char*> argv;
        for (std::string& each : arguments)
            argv.push_back(each.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawnattr_t own_group; // Ctrl-C is for this process alone
        ::posix_spawnattr_init(&own_group);
        ::posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
        const int failed =
            ::posix_spawn(&process_, "/proc/self/exe", &actions, &own_group, argv.data(), environ);
        ::posix_spawnattr_destroy(&own_group);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        if (failed == 0 && ::fcntl(from_, F_SETFL, O_NONBLOCK) == 0) return;
        ::close(from_);
        throw std::runtime_error("cannot start the member that is to die as a process");
    }
    ~killed_process() override {
        kill();
        ::close(from_);
    }

    punctuality_counts counts() override {
        std::array<char, 4096> part;
        ssize_t got = 0;
        while ((got = ::read(from_, part.data(), part.size())) > 0)
            told_.append(part.data(), static_cast<std::size_t>(got));
        if (const std::size_t end = told_.rfind('\n'); end != std::string::npos) {
            const std::size_t begin = end == 0 ? 0 : told_.rfind('\n', end - 1) + 1;
            std::istringstream(told_.substr(begin, end - begin)) >> last_.partitions >> last_.processed >>
                last_.duplicates;
            told_.erase(0, end + 1);
        }
        if (got == 0 && process_ > 0) throw std::runtime_error("the member that was to die has ended before");
        return last_;
    }
    void kill() override {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }
    void sum_up(latencies& /*times*/, std::int64_t& /*misplaced*/) override {}

private:
    pid_t process_ = 0;
    int from_ = -1;
    std::string told_;
    punctuality_counts last_;
};

} // namespace

std::unique_ptr<doomed_member> member_in_process(const options& o, const std::string& run, std::int64_t rows,
                                                 corvid::memory::cluster& cluster, corvid::scheduler& root,
                                                 board& on) {
    return std::make_unique<dropped_member>(o, run, rows, cluster, root, on);
}

std::unique_ptr<doomed_member> member_process(const options& o, const std::string& run, std::int64_t rows) {
    return std::make_unique<killed_process>(std::vector<std::string>{"flights", "--member-of", run, "--rows",
                                                                     std::to_string(rows), "--broker",
                                                                     o.broker, "--database", o.database});
}

int serve_as_member(const options& o) {
    corvid::service service(service_settings(o, client));
    board on(service.root(), o.database);
    punctuality state(o.member_of, *o.rows, service.root());
    state.join(service, on);
    service.start();
    corvid::signal stop;
    const corvid::termination_signals signals(service.root(), stop);
    while (std::cout && !service.root().wait(stop, service.root().steady_now() + 20ms)) {
        const punctuality_counts now = counts_of(service);
        std::cout << now.partitions << ' ' << now.processed << ' ' << now.duplicates << std::endl;
    }
    return static_cast<int>(service.stop());
}

} // namespace flights

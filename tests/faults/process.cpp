// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace corvid::faults {
namespace {

[[noreturn]] void fail_with_errno(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

// Between fork and exec: only what is safe after a fork of a process with threads.
[[noreturn]] void become(char* const* arguments, int input, int output, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int source = input >= 0 ? input : open("/dev/null", O_RDONLY);
    dup2(source, STDIN_FILENO);
    if (output >= 0) dup2(output, STDOUT_FILENO);
    execv(arguments[0], arguments);
    _exit(127);
}

} // namespace

child::child(const std::vector<std::string>& command, int input, int output) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& one : command)
        arguments.push_back(const_cast<char*>(one.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) fail_with_errno("fork");
    if (pid_ == 0) become(arguments.data(), input, output, parent);
    watched_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (watched_ < 0) fail_with_errno("pidfd_open");
}

child::~child() {
    if (!ended_) {
        send_signal(SIGKILL);
        (void)wait(std::chrono::seconds(10));
    }
    if (watched_ >= 0) close(watched_);
}

void child::send_signal(int number) const {
    if (!ended_) kill(pid_, number);
}

std::optional<int> child::wait(std::chrono::milliseconds patience) {
    if (ended_) return ended_;
    pollfd what{.fd = watched_, .events = POLLIN, .revents = 0};
    while (poll(&what, 1, static_cast<int>(patience.count())) < 0)
        if (errno != EINTR) fail_with_errno("poll");
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ended_;
}

std::filesystem::path make_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "corvid-faults.XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no scratch directory can be made at " + name);
    return name;
}

scratch_directory::scratch_directory() : path_(make_directory()) {}

scratch_directory::~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

// A session of its own and no parent, so that what ends the test's processes leaves it its work.
server_guard::server_guard(std::string script, std::filesystem::path directory)
    : script_(std::move(script)), directory_(std::move(directory)) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_with_errno("pipe2");
    leash_ = ends[1];
    const std::string watch =
        R"(exec >/dev/null 2>&1; cat; "$0" kill --dir "$1"; "$0" stop --dir "$1" --purge)";
    child waits({"/usr/bin/env", "setsid", "--fork", "sh", "-c", watch, script_, directory_.string()},
                ends[0]);
    static_cast<void>(waits.wait(std::chrono::seconds(10)));
    close(ends[0]);
}

server_guard::~server_guard() {
    try {
        static_cast<void>(output_of({script_, "kill", "--dir", directory_.string()}));
        static_cast<void>(output_of({script_, "stop", "--dir", directory_.string(), "--purge"}));
    } catch (const std::exception&) { // then who waits does it
    }
    close(leash_);
}

std::string output_of(const std::vector<std::string>& command) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_with_errno("pipe2");
    child runs(command, -1, ends[1]);
    close(ends[1]);
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = read(ends[0], piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(size));
    close(ends[0]);
    const auto code = runs.wait(std::chrono::seconds(60));
    if (code != 0) throw std::runtime_error(command[0] + " failed; it says why above");
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double cpu_seconds_of(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string skipped;
    for (int i = 0; i < 11; ++i) // state, and all up to utime
        fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace corvid::faults

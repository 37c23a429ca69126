// SPDX-License-Identifier: Apache-2.0
#include "kafka_process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace corvid::faults {
namespace {

const std::string script = CORVID_KAFKA_SCRIPT;

} // namespace

kafka_process::kafka_process(std::vector<std::string> options)
    : options_(std::move(options)), directory_(make_directory()) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    leash_ = ends[1];
    // A session of its own and no parent, so that what ends the test's processes leaves it its work.
    const std::string watch =
        R"(exec >/dev/null 2>&1; cat; "$0" kill --dir "$1"; "$0" stop --dir "$1" --purge)";
    child guard({"/usr/bin/env", "setsid", "--fork", "sh", "-c", watch, script, directory_.string()},
                ends[0]);
    (void)guard.wait(std::chrono::seconds(10));
    close(ends[0]);
    start();
}

kafka_process::~kafka_process() {
    try {
        kill();
        (void)output_of({script, "stop", "--dir", directory_.string(), "--purge"});
    } catch (const std::exception&) { // then the guard does it
    }
    close(leash_);
}

void kafka_process::kill(int node) {
    std::vector<std::string> command{script, "kill", "--dir", directory_.string()};
    if (node > 0) command.insert(command.end(), {"--node", std::to_string(node)});
    (void)output_of(command);
}

void kafka_process::signal_to(int node, int number) const {
    std::ifstream file(directory_ / ("node-" + std::to_string(node)) / "pid");
    pid_t pid = 0;
    if (!(file >> pid) || ::kill(pid, number) != 0)
        throw std::runtime_error("broker " + std::to_string(node) + " does not run");
}

void kafka_process::start() {
    std::vector<std::string> command{script, "start", "--dir", directory_.string(), "--heap", "384m"};
    command.insert(command.end(), options_.begin(), options_.end());
    const std::string address = output_of(command);
    bootstrap_ = address.substr(address.find("//") + 2);
}

std::string kafka_process::version() const {
    std::ifstream file(directory_ / "state.json");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    constexpr std::string_view name = "\"version\": \"";
    const std::size_t at = text.find(name);
    if (at == std::string::npos) return "?";
    const std::size_t from = at + name.size();
    return text.substr(from, text.find('"', from) - from);
}

} // namespace corvid::faults

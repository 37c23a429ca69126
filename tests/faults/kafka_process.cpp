// SPDX-License-Identifier: Apache-2.0
#include "kafka_process.hpp"

#include "form.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace corvid::faults {
namespace {

const std::string script = CORVID_KAFKA_SCRIPT;

} // namespace

kafka_process::kafka_process(std::vector<std::string> options)
    : options_(std::move(options)), directory_(make_directory()), guard_(script, directory_) {
    start();
}

void kafka_process::kill(int node) {
    std::vector<std::string> command{script, "kill", "--dir", directory_.string()};
    if (node > 0) command.insert(command.end(), {"--node", std::to_string(node)});
    (void)output_of(command);
}

void kafka_process::stop() { (void)output_of({script, "stop", "--dir", directory_.string()}); }

void kafka_process::signal_to(int node, int number) const {
    std::ifstream file(directory_ / ("node-" + std::to_string(node)) / "pid");
    pid_t pid = 0;
    if (!(file >> pid) || ::kill(pid, number) != 0)
        throw std::runtime_error("broker " + std::to_string(node) + " does not run");
}

void kafka_process::start() {
    std::vector<std::string> command{script, "start", "--dir", directory_.string(), "--heap", "384m"};
    if (!is_long_form()) command.emplace_back("--brief");
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

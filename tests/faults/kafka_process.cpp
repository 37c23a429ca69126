// SPDX-License-Identifier: Apache-2.0
#include "kafka_process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace corvid::faults {
namespace {

const std::string script = CORVID_KAFKA_SCRIPT;

std::filesystem::path scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "corvid-faults.XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no scratch directory can be made at " + name);
    return name;
}

} // namespace

kafka_process::kafka_process() : directory_(scratch_directory()) {
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

void kafka_process::kill() { (void)output_of({script, "kill", "--dir", directory_.string()}); }

void kafka_process::start() {
    const std::string address = output_of({script, "start", "--dir", directory_.string(), "--heap", "384m"});
    bootstrap_ = address.substr(address.find("//") + 2);
}

} // namespace corvid::faults

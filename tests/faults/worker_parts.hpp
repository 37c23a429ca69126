// SPDX-License-Identifier: Apache-2.0
//
// What the programs of the fault tests that handle a sender's records share: the message, what they are told,
// and the file in which they say what they did.
#pragma once

#include "orders.hpp"
#include <corvid/message/message.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>

namespace sample {
struct load {
    std::uint64_t id = 0;
    std::uint32_t key = 0, seq = 0;
    std::string poison;
};
CORVID_MESSAGE(load, (id, key, seq, poison), .topic = "test.fault.load");
} // namespace sample

namespace corvid::faults {

/// BOOTSTRAP TOPIC GROUP FILE [NAME=VALUE…]
struct assignment : orders {
    explicit assignment(std::span<char* const> arguments)
        : orders(arguments.subspan(5)),
          bootstrap(arguments[1]),
          topic(arguments[2]),
          group(arguments[3]),
          file(arguments[4]) {}

    [[nodiscard]] bool says(const std::string& name) const { return !text(name).empty(); }
    /// Of this life's randomness.
    [[nodiscard]] std::uint64_t seed() const { return std::stoull("0" + text("seed")); }
    /// One of those in `bug`, separated by commas.
    [[nodiscard]] bool has_bug(const std::string& name) const {
        return ("," + text("bug") + ",").find("," + name + ",") != std::string::npos;
    }

    std::string bootstrap, topic, group, file;
};

/// The whole of main: a Worker is made of the assignment, and run() answers the exit code.
template <class Worker>
int run_worker(int count, char** arguments) {
    if (count < 5) {
        std::fprintf(stderr, "usage: %s BOOTSTRAP TOPIC GROUP FILE [NAME=VALUE...]\n", arguments[0]);
        return 2;
    }
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    try {
        return Worker(assignment(std::span(arguments, static_cast<std::size_t>(count)))).run();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", arguments[0], e.what());
        return 1;
    }
}

/// Shared by all workers and all their lives.
class work_file {
public:
    explicit work_file(const std::string& path)
        : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        if (fd_ < 0) throw std::runtime_error("cannot write to " + path);
    }
    ~work_file() { close(fd_); }
    work_file(const work_file&) = delete;
    work_file& operator=(const work_file&) = delete;

    void append(const std::string& line) const {
        if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            throw std::runtime_error("the file of work cannot be written");
    }

private:
    int fd_;
};

/// Begins the line of a record that was handled; both times follow.
template <class Received>
[[nodiscard]] std::string work_line(const Received& in, std::uint64_t epoch) {
    return "E " + std::to_string(in->id) + " " + std::to_string(in->key) + " " + std::to_string(in->seq) +
           " " + std::to_string(in.partition().value) + " " + std::to_string(in.offset().value) + " " +
           std::to_string(getpid()) + " " + std::to_string(epoch) + " ";
}

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// What the programs of the fault tests that handle a sender's records share: the message, and the file in
// which they say what they did.
#pragma once

#include <corvid/message/message.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
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

// SPDX-License-Identifier: Apache-2.0
//
// child: a process that a test starts, kills and waits for. It ends with its object, and with the test's
// process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace corvid::faults {

class child {
public:
    /// `command[0]` is a path. `input`: becomes its standard input; -1: none. Throws std::system_error.
    explicit child(const std::vector<std::string>& command, int input = -1, int output = -1);
    /// kill -9, if it still runs.
    ~child();
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    void send_signal(int number) const;
    /// How it ended: its exit code, or 128 + the signal. None: it still runs after `patience`.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds patience);
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    pid_t pid_ = -1;
    int watched_ = -1; // readable once the process has ended
    std::optional<int> ended_;
};

/// A directory of this object's own, which goes with it.
class scratch_directory {
public:
    scratch_directory();
    ~scratch_directory();
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// An empty directory, fresh. Throws std::runtime_error.
[[nodiscard]] std::filesystem::path make_directory();

/// Ends the server that `script` started in `directory`, and removes both, when this object goes or the
/// process that has it dies.
class server_guard {
public:
    server_guard(std::string script, std::filesystem::path directory);
    ~server_guard();
    server_guard(const server_guard&) = delete;
    server_guard& operator=(const server_guard&) = delete;

private:
    std::string script_;
    std::filesystem::path directory_;
    int leash_ = -1;
};

/// Runs a command to its end and answers what it wrote to standard output, without the last line break.
/// Throws std::runtime_error if it fails.
[[nodiscard]] std::string output_of(const std::vector<std::string>& command);

/// The CPU time that this process has used, in seconds.
[[nodiscard]] double cpu_seconds();
/// The same of another process; 0: it is gone.
[[nodiscard]] double cpu_seconds_of(pid_t process);

} // namespace corvid::faults

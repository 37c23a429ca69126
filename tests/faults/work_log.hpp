// SPDX-License-Identifier: Apache-2.0
//
// work_log: the file that the workers append to, as fault_worker.cpp describes it.
#pragma once

#include "history.hpp"

#include <cstdint>
#include <filesystem>
#include <ios>
#include <map>
#include <string>
#include <vector>

namespace corvid::faults {

class work_log {
public:
    explicit work_log(std::filesystem::path file);

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
    /// So far, again and again included: all, by a process, in a partition.
    [[nodiscard]] std::uint64_t handled();
    [[nodiscard]] std::uint64_t handled_by(int pid);
    [[nodiscard]] std::uint64_t handled_in(std::int32_t partition);
    /// The last record of some partition was handled by this process.
    [[nodiscard]] bool is_last_anywhere(int pid);
    [[nodiscard]] std::vector<effect> effects() const;
    /// How often each poisoned record was tried.
    [[nodiscard]] std::map<std::uint64_t, std::uint64_t> tries() const;
    /// The commits that failed in workers which ended in an orderly way.
    [[nodiscard]] std::uint64_t commit_failures() const;

private:
    void read_on();
    std::filesystem::path file_;
    std::streamoff counted_to_ = 0;
    std::uint64_t counted_ = 0;
    std::map<int, std::uint64_t> by_process_;
    std::map<std::int32_t, std::uint64_t> by_partition_;
    std::map<std::int32_t, int> last_in_; // a process
};

} // namespace corvid::faults

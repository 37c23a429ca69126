// SPDX-License-Identifier: Apache-2.0
#include "work_log.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace corvid::faults {
namespace {

template <class F>
void each_line(const std::filesystem::path& file, char kind, F use) {
    std::ifstream text(file);
    std::string line;
    while (std::getline(text, line))
        if (line.starts_with(kind)) use(line);
}

effect effect_in(const std::string& line) {
    unsigned long id = 0;
    unsigned key = 0;
    unsigned seq = 0;
    int partition = 0;
    int pid = 0;
    int epoch = 0;
    long offset = 0;
    long t0 = 0;
    long t1 = 0;
    if (std::sscanf(line.c_str(), "E %lu %u %u %d %ld %d %d %ld %ld", &id, &key, &seq, &partition, &offset,
                    &pid, &epoch, &t0, &t1) != 9)
        throw std::runtime_error("the work file has this line: " + line);
    return {id, key, seq, partition, offset, pid, epoch, t0, t1};
}

} // namespace

work_log::work_log(std::filesystem::path file) : file_(std::move(file)) { std::ofstream(file_).close(); }

void work_log::read_on() {
    std::ifstream text(file_);
    text.seekg(counted_to_);
    std::string line;
    while (std::getline(text, line) && !text.eof()) { // a line without its end is still being written
        counted_to_ = text.tellg();
        if (!line.starts_with('E')) continue;
        const effect e = effect_in(line);
        ++counted_;
        ++by_process_[e.pid];
        ++by_partition_[e.partition];
        last_in_[e.partition] = e.pid;
    }
}

std::uint64_t work_log::handled() {
    read_on();
    return counted_;
}

std::uint64_t work_log::handled_by(int pid) {
    read_on();
    return by_process_[pid];
}

std::uint64_t work_log::handled_in(std::int32_t partition) {
    read_on();
    return by_partition_[partition];
}

bool work_log::is_last_anywhere(int pid) {
    read_on();
    return std::ranges::any_of(last_in_, [pid](const auto& one) { return one.second == pid; });
}

std::vector<effect> work_log::effects() const {
    std::vector<effect> all;
    each_line(file_, 'E', [&](const std::string& line) { all.push_back(effect_in(line)); });
    return all;
}

std::map<std::uint64_t, std::uint64_t> work_log::tries() const {
    std::map<std::uint64_t, std::uint64_t> all;
    each_line(file_, 'T', [&](const std::string& line) { ++all[std::stoull(line.substr(2))]; });
    return all;
}

std::uint64_t work_log::commit_failures() const {
    std::uint64_t all = 0;
    each_line(file_, 'X', [&](const std::string& line) { all += std::stoull(line.substr(line.rfind(' '))); });
    return all;
}

} // namespace corvid::faults

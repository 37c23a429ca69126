// SPDX-License-Identifier: Apache-2.0
//
// What a program of the fault tests is told: NAME=VALUE arguments.
#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <string>

namespace corvid::faults {

class orders {
public:
    /// Throws std::runtime_error for one that is not NAME=VALUE.
    explicit orders(std::span<char* const> arguments) {
        for (const std::string one : arguments) {
            const std::size_t equals = one.find('=');
            if (equals == std::string::npos) throw std::runtime_error("NAME=VALUE expected, not " + one);
            all_[one.substr(0, equals)] = one.substr(equals + 1);
        }
    }

    /// Empty where nothing was said.
    [[nodiscard]] std::string text(const std::string& name) const {
        const auto found = all_.find(name);
        return found == all_.end() ? "" : found->second;
    }
    [[nodiscard]] int number(const std::string& name, int otherwise) const {
        const auto found = all_.find(name);
        return found == all_.end() ? otherwise : std::stoi(found->second);
    }

private:
    std::map<std::string, std::string> all_;
};

} // namespace corvid::faults

// SPDX-License-Identifier: Apache-2.0
//
// prepared_statements: which texts a session has prepared under which name, the one used longest ago first to
// go. Pure. Internal.
#pragma once

#include <corvid/store/postgres/detail/messages.hpp>

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace corvid::store::postgres {

class prepared_statements {
public:
    struct entry {
        std::string sql;
        std::string name;
        description types;
        bool used = false; ///< it has run before: its plan may be out of date
    };

    explicit prepared_statements(std::size_t capacity) : capacity_(capacity) {}

    /// Valid until the next add() or remove().
    [[nodiscard]] entry* find(const std::string& sql);
    /// A name that was never used before in this session.
    [[nodiscard]] std::string next_name() { return "corvid_" + std::to_string(++last_); }
    entry& add(std::string sql, std::string name, description types);
    void remove(const std::string& sql);
    /// The name that must be deallocated before the next add(), if it is full.
    [[nodiscard]] std::optional<std::string> evict();

private:
    std::size_t capacity_;
    std::uint64_t last_ = 0;
    std::list<entry> order_; // used last: front
    std::unordered_map<std::string_view, std::list<entry>::iterator> by_text_;
};

} // namespace corvid::store::postgres

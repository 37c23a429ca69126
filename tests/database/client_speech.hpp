// SPDX-License-Identifier: Apache-2.0
//
// client_speech: what a client of PostgreSQL says on one connection, cut into flights.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace corvid::test {

/// Of the protocol as corvid speaks it: prepared statements in pipelines, nothing encrypted.
class client_speech {
public:
    /// What is said before the server is to answer.
    struct flight {
        std::string bytes;
        std::optional<std::size_t> commit = {}; ///< where in it COMMIT begins
    };

    void take(std::string_view bytes) { heard_ += bytes; }
    /// The next one that is complete.
    std::optional<flight> next();

private:
    /// Where the first message from `at` on begins its body, and ends.
    struct extent {
        std::size_t body, end;
    };
    [[nodiscard]] std::optional<extent> message_at(std::size_t at) const;
    [[nodiscard]] std::string_view text_at(std::size_t at) const;
    void note(char type, std::size_t at, std::size_t body);

    std::string heard_;             // what was not given away yet
    std::size_t read_ = 0;          // of it: whole messages
    bool is_opened_ = false;        // messages have types from then on
    std::set<std::string> commits_; // names of statements that say COMMIT
    std::optional<std::size_t> commit_;
};

} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bench/peers/flight.hpp>

#include <cstddef>
#include <memory>

namespace corvid::bench {

/// simdjson on-demand by hand into `flight`, with the checks that corvid's reader makes: each member's type
/// and range, every member there, unknown members walked within a depth of 64, nothing after the document.
class flight_reader {
public:
    flight_reader();
    ~flight_reader();
    flight_reader(const flight_reader&) = delete;
    flight_reader& operator=(const flight_reader&) = delete;

    /// Copies the payload once into the reader's padded buffer. False: not a valid flight, `into` is
    /// unspecified.
    [[nodiscard]] bool read(const void* payload, std::size_t size, flight& into);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace corvid::bench

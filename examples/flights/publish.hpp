// SPDX-License-Identifier: Apache-2.0
//
// publisher: turns the files into events and posts them. Every function throws std::runtime_error when a file
// is not what it should be or the producer takes no more.
#pragma once

#include "csv.hpp"
#include "tally.hpp"
#include <corvid/produce/message_producer.hpp>

#include <filesystem>
#include <string>

namespace flights {

class flight_file;

class publisher {
public:
    /// `run` marks each record.
    publisher(corvid::message_producer out, std::string run) : out_(out), run_(std::move(run)) {}

    std::int64_t airlines(const std::filesystem::path& data);
    std::int64_t planes(const std::filesystem::path& data);
    /// Posts the present row; every hundredth that has a tail number twice, as a producer does that has not
    /// heard of its success.
    void flight(const flight_file& from);
    [[nodiscard]] std::int64_t posted_twice() const noexcept { return with_tail_number_ / 100; }
    /// Waits until all of it is acknowledged.
    void flush(corvid::scheduler& root);

private:
    template <class T>
    void post(const T& event, std::string_view event_id = {});

    corvid::message_producer out_;
    std::string run_;
    std::int64_t with_tail_number_ = 0;
};

/// flights.csv, row by row, and what it says in all, counted from the text itself.
class flight_file {
public:
    explicit flight_file(const std::filesystem::path& data);
    [[nodiscard]] bool next();
    [[nodiscard]] const csv_file& csv() const noexcept { return csv_; }
    /// Of the rows so far.
    [[nodiscard]] const tally& expected() const noexcept { return expected_; }

private:
    csv_file csv_;
    tally expected_;
};

/// Code and name of each airline.
[[nodiscard]] std::map<std::string, std::string> airline_names(const std::filesystem::path& data);

} // namespace flights

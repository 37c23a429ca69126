// SPDX-License-Identifier: Apache-2.0
#include "publish.hpp"

#include "events.hpp"
#include <corvid/base/task_scope.hpp>

#include <charconv>
#include <stdexcept>

namespace flights {

namespace {

enum flight_column : std::size_t {
    year,
    month,
    day,
    dep_time,
    sched_dep_time,
    dep_delay,
    arr_time,
    sched_arr_time,
    arr_delay,
    carrier,
    number,
    tailnum,
    origin,
    dest,
    air_time,
    distance,
    hour,
    minute,
    time_hour
};

csv_file open_airlines(const std::filesystem::path& data) {
    return {data / "airlines.csv", {"carrier", "name"}};
}

unsigned digits(const csv_file& csv, std::size_t column, std::string_view text) {
    unsigned value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) csv.refuse(column, "is no time");
    return value;
}

/// 2013-01-01T10:00:00Z
std::chrono::sys_seconds instant(const csv_file& csv, std::size_t column) {
    using namespace std::chrono;
    const std::string_view text = csv.text(column);
    if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || text[19] != 'Z')
        csv.refuse(column, "is no time");
    const auto part = [&](std::size_t at, std::size_t count) {
        return digits(csv, column, text.substr(at, count));
    };
    const year_month_day date{std::chrono::year(static_cast<int>(part(0, 4))), std::chrono::month(part(5, 2)),
                              std::chrono::day(part(8, 2))};
    if (!date.ok()) csv.refuse(column, "is no day of a calendar");
    return sys_days(date) + hours(part(11, 2)) + minutes(part(14, 2)) + seconds(part(17, 2));
}

std::chrono::year_month_day date_of(const csv_file& csv) {
    const std::chrono::year_month_day date{std::chrono::year(csv.number(year)),
                                           std::chrono::month(static_cast<unsigned>(csv.number(month))),
                                           std::chrono::day(static_cast<unsigned>(csv.number(day)))};
    if (!date.ok()) csv.refuse(day, "is no day of a calendar");
    return date;
}

flight_reported flight_of(const csv_file& csv) {
    flight_reported f;
    f.row = csv.row();
    f.date = date_of(csv);
    f.carrier = csv.text(carrier);
    f.flight = csv.number(number);
    f.tail_number = csv.maybe_text(tailnum);
    f.origin = csv.text(origin);
    f.destination = csv.text(dest);
    f.scheduled_hour = instant(csv, time_hour);
    f.scheduled_departure = csv.number(sched_dep_time);
    f.scheduled_arrival = csv.number(sched_arr_time);
    f.departure = csv.maybe_number(dep_time);
    f.arrival = csv.maybe_number(arr_time);
    f.departure_delay_minutes = csv.maybe_number(dep_delay);
    f.arrival_delay_minutes = csv.maybe_number(arr_delay);
    f.air_minutes = csv.maybe_number(air_time);
    f.distance_miles = csv.number(distance);
    return f;
}

} // namespace

template <class T>
void publisher::post(const T& event, std::string_view event_id) {
    const corvid::header_view mark{run_header, std::string_view(run_)};
    if (auto posted = out_.post(event, {.event_id = event_id, .headers = {&mark, 1}}); !posted)
        throw std::runtime_error("cannot publish: " + posted.error().describe());
}

std::int64_t publisher::airlines(const std::filesystem::path& data) {
    csv_file csv = open_airlines(data);
    while (csv.next())
        post(airline{.carrier = std::string(csv.text(0)), .name = std::string(csv.text(1))});
    return csv.rows();
}

std::int64_t publisher::planes(const std::filesystem::path& data) {
    csv_file csv(data / "planes.csv",
                 {"tailnum", "year", "type", "manufacturer", "model", "engines", "seats", "speed", "engine"});
    while (csv.next())
        post(plane{.tail_number = std::string(csv.text(0)),
                   .built = csv.maybe_number(1),
                   .type = std::string(csv.text(2)),
                   .manufacturer = std::string(csv.text(3)),
                   .model = std::string(csv.text(4)),
                   .engines = csv.number(5),
                   .seats = csv.number(6),
                   .cruise_mph = csv.maybe_number(7),
                   .engine = std::string(csv.text(8))});
    return csv.rows();
}

void publisher::flight(const flight_file& from) {
    const flight_reported flight = flight_of(from.csv());
    const std::string event_id = run_ + '/' + std::to_string(flight.row);
    post(flight, event_id);
    if (flight.tail_number && ++with_tail_number_ % 100 == 0) post(flight, event_id);
}

void publisher::flush(corvid::scheduler& root) {
    auto flushing = [](corvid::message_producer out) -> corvid::task<corvid::result<void>> {
        co_return co_await out.flush();
    };
    auto flushed = corvid::wait_for(root, out_.bytes().delivery_loop(), flushing(out_));
    if (!flushed) throw std::runtime_error("not all was published: " + flushed.error().describe());
}

flight_file::flight_file(const std::filesystem::path& data)
    : csv_(data / "flights.csv", {"year", "month", "day", "dep_time", "sched_dep_time", "dep_delay",
                                  "arr_time", "sched_arr_time", "arr_delay", "carrier", "flight", "tailnum",
                                  "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour"}) {}

bool flight_file::next() {
    if (!csv_.next()) return false;
    expected_.add(csv_.text(carrier), csv_.maybe_text(tailnum).has_value(), !csv_.maybe_text(dep_time),
                  csv_.maybe_number(arr_delay));
    return true;
}

std::map<std::string, std::string> airline_names(const std::filesystem::path& data) {
    std::map<std::string, std::string> names;
    csv_file csv = open_airlines(data);
    while (csv.next())
        names.emplace(csv.text(0), csv.text(1));
    return names;
}

} // namespace flights

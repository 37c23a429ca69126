// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <charconv>
#include <string_view>

namespace flights {

const char* const help_text = R"(./run demo [options]: the flights that left New York in 2013, through corvid

Publishes each of 336,776 flights as an event, with planes and airlines, and every hundredth twice. Several instances of
a service consume them. Group flights.punctuality counts in a database how punctual each airline was, every event once,
although one more member of it is killed in the middle, without a commit or a word. Each cancelled flight leaves as an
event of its own, through the outbox of the same database. Group flights.rotations follows each aircraft through its
flights in order; those without a tail number go to its dead letter topic, where they are counted. The figures
are compared with those of the file; if they differ it says so and ends with 1.

  --broker kafka://HOST:PORT   a real cluster instead of the broker inside this process
  --database postgresql://…    PostgreSQL, or sqlite:FILE, instead of SQLite in a scratch file
  --instances N                how many instances of the service share the work, 1 to 64 (default 3)
  --rows N                     only the first N flights
  --summary FILE               also write the figures to FILE, as JSON
  --data DIR                   where flights.csv, planes.csv and airlines.csv are (./run demo gives it)
  --help                       this

On a real cluster the member that dies is a process of its own, killed with signal 9. The topics air.flight.reported (12
partitions), its dead letter topic air.flight.reported.flights.rotations.dlq, air.flight.cancelled, air.planes and
air.airlines are created where they are missing and kept afterwards. So are the tables in a database that was given:
flight_punctuality, a row for each carrier and run, and those of corvid's inbox and outbox. Each run marks its
records and rows and counts those alone, so what an earlier run left there changes nothing. One run at a time: two would
share the groups.

Exit codes: 0 done, 1 failed, 2 wrong options, 130 stopped by Ctrl-C (a second one ends it at once).
)";

namespace {

std::int64_t whole_number(std::string_view name, std::string_view text, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
        throw usage_error(std::string(name) + " takes a whole number from 1 to " + std::to_string(most) +
                          ", not '" + std::string(text) + "'");
    return value;
}

std::string broker_address(std::string_view text) {
    if (text == "memory:") return std::string(text);
    constexpr std::string_view scheme = "kafka://";
    const std::size_t colon = text.rfind(':');
    if (!text.starts_with(scheme) || colon <= scheme.size() || colon + 1 == text.size())
        throw usage_error("--broker takes kafka://HOST:PORT, not '" + std::string(text) + "'");
    (void)whole_number("the port of --broker", text.substr(colon + 1), 65'535);
    return std::string(text);
}

// The rest of it is the database's to judge.
std::string database_address(std::string_view text) {
    for (const std::string_view scheme : {"postgresql://", "postgres://", "sqlite:"})
        if (text.starts_with(scheme) && text.size() > scheme.size() && text != "sqlite::memory:")
            return std::string(text);
    throw usage_error("--database takes postgresql://… or sqlite:FILE, not '" +
                      std::string(text.substr(0, text.find(':'))) + "'");
}

void set(options& o, std::string_view name, std::string_view value) {
    if (name == "--broker")
        o.broker = broker_address(value);
    else if (name == "--database")
        o.database = database_address(value);
    else if (name == "--member-of") // of the demo itself
        o.member_of = value;
    else if (name == "--instances")
        o.instances = static_cast<std::uint32_t>(whole_number(name, value, 64));
    else if (name == "--rows")
        o.rows = whole_number(name, value, 1'000'000'000);
    else if (name == "--summary")
        o.summary = value;
    else if (name == "--data")
        o.data = value;
    else
        throw usage_error("there is no option '" + std::string(name) + "'");
}

} // namespace

options parse(std::span<const char* const> arguments) {
    options o;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view name = arguments[i];
        if (name == "--help" || name == "-h") {
            o.help = true;
            return o;
        }
        if (!name.starts_with("--")) throw usage_error("what is '" + std::string(name) + "'?");
        const std::size_t equals = name.find('=');
        std::string_view value;
        if (equals != std::string_view::npos) {
            value = name.substr(equals + 1);
            name = name.substr(0, equals);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        }
        set(o, name, value);
        if (value.empty()) throw usage_error(std::string(name) + " needs a value");
    }
    if (o.data.empty() && o.member_of.empty()) throw usage_error("--data is missing; ./run demo gives it");
    return o;
}

} // namespace flights

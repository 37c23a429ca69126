// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <corvid/base/task_scope.hpp>

#include <cstdlib>
#include <stdexcept>

namespace flights {

namespace {

constexpr const char* table =
    "create table if not exists flight_punctuality(run text not null, carrier text not null, "
    "flights bigint not null, cancelled bigint not null, arrived bigint not null, on_time bigint not null, "
    "arrival_delay_minutes bigint not null, without_tail_number bigint not null, "
    "primary key (run, carrier))";

constexpr const char* upsert =
    "insert into flight_punctuality as old(run, carrier, flights, cancelled, arrived, on_time, "
    "arrival_delay_minutes, without_tail_number) values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (run, carrier) do update set flights = old.flights + excluded.flights, "
    "cancelled = old.cancelled + excluded.cancelled, arrived = old.arrived + excluded.arrived, "
    "on_time = old.on_time + excluded.on_time, "
    "arrival_delay_minutes = old.arrival_delay_minutes + excluded.arrival_delay_minutes, "
    "without_tail_number = old.without_tail_number + excluded.without_tail_number";

struct board_row {
    std::string carrier;
    std::int64_t flights = 0, cancelled = 0, arrived = 0, on_time = 0, arrival_delay_minutes = 0,
                 without_tail_number = 0;
};
BOOST_DESCRIBE_STRUCT(board_row, (),
                      (carrier, flights, cancelled, arrived, on_time, arrival_delay_minutes,
                       without_tail_number))

/// SQLite has one writer, and a session that finds another at work asks again and again. It need not wait for
/// the disk: processes die here, the machine does not.
corvid::database_settings settings_of(const std::string& url) {
    corvid::database_settings s{.url = url, .pool_size = 8, .synchronous = corvid::sqlite_sync::normal};
    if (corvid::is_sqlite(s)) s.pool_size = 1;
    return s;
}

corvid::task<corvid::result<std::int64_t>> make_table(corvid::database& in) {
    auto making = in.execute(table);
    co_return co_await making;
}

corvid::task<corvid::result<std::vector<board_row>>> read_rows(corvid::database& from,
                                                               const std::string& run) {
    auto asking = from.query<board_row>("select carrier, flights, cancelled, arrived, on_time, "
                                        "arrival_delay_minutes, without_tail_number "
                                        "from flight_punctuality where run = $1",
                                        run);
    co_return co_await asking;
}

corvid::task<corvid::result<std::vector<std::int64_t>>> count_flights(corvid::database& in,
                                                                      const std::string& run) {
    auto asking = in.query<std::int64_t>(
        "select cast(coalesce(sum(flights), 0) as bigint) from flight_punctuality where run = $1", run);
    co_return co_await asking;
}

} // namespace

scratch_file::scratch_file() {
    std::string name = (std::filesystem::temp_directory_path() / "corvid-flights.XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder like " + name);
    folder_ = name;
}

scratch_file::~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

board::board(corvid::scheduler& root, const std::string& url, corvid::metrics* figures)
    : root_(root), database_(root, settings_of(url), figures) {}

void board::make() {
    auto made = corvid::wait_for(root_, database_.loop(), make_table(database_));
    if (!made) throw std::runtime_error("cannot make the table: " + made.error().describe());
}

tally board::counted(const std::string& run) {
    auto rows = corvid::wait_for(root_, database_.loop(), read_rows(database_, run));
    if (!rows) throw std::runtime_error("cannot read the table: " + rows.error().describe());
    tally all;
    for (const board_row& row : *rows)
        all.carriers[row.carrier] = {.flights = row.flights,
                                     .cancelled = row.cancelled,
                                     .arrived = row.arrived,
                                     .on_time = row.on_time,
                                     .arrival_delay_minutes = row.arrival_delay_minutes,
                                     .without_tail_number = row.without_tail_number};
    return all;
}

std::optional<std::int64_t> board::flights(const std::string& run) {
    auto sum = corvid::wait_for(root_, database_.loop(), count_flights(database_, run));
    if (!sum || sum->empty()) return std::nullopt;
    return sum->front();
}

// In the order of the carriers, which all transactions share: none waits for one that waits for it.
void board::add(corvid::unit_of_work& into, const std::string& run, const tally& more) {
    for (const auto& [carrier, t] : more.carriers)
        into.execute(upsert, run, carrier, t.flights, t.cancelled, t.arrived, t.on_time,
                     t.arrival_delay_minutes, t.without_tail_number);
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include "progress.hpp"
#include <corvid/message/message.hpp>
#include <corvid/serde/json/json.hpp>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <stdexcept>

namespace flights {

struct carrier_summary {
    std::int64_t flights = 0, cancelled = 0, arrival_delay_minutes = 0;
};
CORVID_VALUE(carrier_summary, (flights, cancelled, arrival_delay_minutes));

struct summary {
    std::int64_t flights = 0, cancelled = 0, without_tail_number = 0;
    std::map<std::string, carrier_summary> carriers;
    std::int64_t dead_lettered = 0, retried = 0, order_violations = 0;
    std::int64_t duplicates_skipped = 0, outbox_published = 0;
    double seconds = 0;
};
CORVID_VALUE(summary, (flights, cancelled, without_tail_number, carriers, dead_lettered, retried,
                       order_violations, duplicates_skipped, outbox_published, seconds));

namespace {

double ratio(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void print_row(std::ostream& out, std::string_view code, std::string_view name, const carrier_tally& t) {
    out << std::left << std::setw(7) << code << "  " << std::setw(27) << name << std::right << std::setw(9)
        << grouped(t.flights) << std::setw(11) << grouped(t.cancelled) << std::fixed << std::setprecision(1)
        << std::setw(11) << ratio(t.arrival_delay_minutes, t.arrived) << " min" << std::setw(9)
        << 100 * ratio(t.on_time, t.flights) << " %\n";
}

std::string per_second(std::int64_t count, double seconds) {
    return grouped(seconds > 0 ? static_cast<std::int64_t>(static_cast<double>(count) / seconds) : 0) + "/s";
}

} // namespace

void print(std::ostream& out, const run_figures& f, const std::map<std::string, std::string>& names) {
    out << "carrier  airline                      flights  cancelled  mean delay*  on time**\n";
    for (const auto& [code, t] : f.counted.carriers) {
        const auto name = names.find(code);
        print_row(out, code, name == names.end() ? "?" : name->second, t);
    }
    const carrier_tally all = f.counted.total();
    print_row(out, "all", "", all);
    out << "*  on arrival     **  arrived less than 15 minutes late, of all flights\n\n"
        << grouped(all.flights) << " flights in " << std::setprecision(2) << f.seconds << " s on "
        << f.instances << (f.instances == 1 ? " instance" : " instances") << ": published "
        << per_second(all.flights, f.publish_seconds) << ", consumed " << per_second(all.flights, f.seconds)
        << "; from send to handled p50 " << f.times.quantile(0.5).count() << " ms, p99 "
        << f.times.quantile(0.99).count() << " ms\n"
        << grouped(f.aircraft) << " aircraft followed through " << grouped(f.followed) << " flights, "
        << grouped(f.order_violations) << " out of order; " << grouped(f.dead_lettered)
        << " without a tail number are dead letters; " << grouped(f.retried) << " retried\n"
        << grouped(f.posted_twice) << " were published twice and "
        << grouped(f.duplicates_skipped - f.posted_twice)
        << " came again after a member died: all counted once; " << grouped(f.outbox_published)
        << " cancellations left through the outbox\n";
    if (f.of_others > 0) out << grouped(f.of_others) << " records of other runs were passed over\n";
}

namespace {

std::string difference_of_rotations(const run_figures& f, const tally& expected) {
    if (f.order_violations > 0)
        return grouped(f.order_violations) + " flights came behind a later one of their aircraft";
    const carrier_tally file = expected.total();
    if (f.dead_lettered != file.without_tail_number)
        return grouped(f.dead_lettered) + " flights are dead letters; without a tail number are " +
               grouped(file.without_tail_number);
    if (const std::int64_t should = file.flights - file.without_tail_number; f.followed != should)
        return grouped(f.followed) + " flights were followed; with a tail number are " + grouped(should);
    return {};
}

} // namespace

namespace {

std::string sentence_of(const carrier_tally& t) {
    return grouped(t.flights) + " flights, " + grouped(t.cancelled) + " cancelled, " +
           grouped(t.without_tail_number) + " without a tail number, " + grouped(t.arrived) + " arrivals, " +
           grouped(t.on_time) + " on time and " + grouped(t.arrival_delay_minutes) + " minutes of delay";
}

} // namespace

std::string difference(const run_figures& f, const tally& expected) {
    if (f.misplaced > 0)
        return grouped(f.misplaced) + " records of this run have a row or a key that was never sent";
    for (const auto& [code, is] : f.counted.carriers) {
        const auto should = expected.carriers.find(code);
        if (should == expected.carriers.end()) return "carrier " + code + " is not in the file";
    }
    for (const auto& [code, should] : expected.carriers) {
        const auto found = f.counted.carriers.find(code);
        const carrier_tally is = found == f.counted.carriers.end() ? carrier_tally{} : found->second;
        if (is != should)
            return "carrier " + code + " has " + sentence_of(is) + "; the file has " + sentence_of(should);
    }
    if (const std::string why = difference_of_rotations(f, expected); !why.empty()) return why;
    if (f.duplicates_skipped < f.posted_twice)
        return grouped(f.duplicates_skipped) + " duplicates were found; " + grouped(f.posted_twice) +
               " flights were published twice";
    if (f.outbox_published != f.cancelled)
        return grouped(f.outbox_published) + " cancellations came; " + grouped(f.cancelled) +
               " flights were cancelled";
    return {};
}

namespace {

std::runtime_error unwritable(const std::filesystem::path& summary) {
    return std::runtime_error("cannot write the summary to " + summary.string() +
                              "; is its folder there, and yours to write to?");
}

} // namespace

void check_can_write(const std::filesystem::path& summary) {
    if (!std::ofstream(summary, std::ios::app)) throw unwritable(summary);
}

void write_summary(const std::filesystem::path& file, const run_figures& f) {
    const carrier_tally all = f.counted.total();
    summary s{.flights = all.flights,
              .cancelled = all.cancelled,
              .without_tail_number = all.without_tail_number,
              .carriers = {},
              .dead_lettered = f.dead_lettered,
              .retried = f.retried,
              .order_violations = f.order_violations,
              .duplicates_skipped = f.duplicates_skipped,
              .outbox_published = f.outbox_published,
              .seconds = f.seconds};
    for (const auto& [code, t] : f.counted.carriers)
        s.carriers[code] = {t.flights, t.cancelled, t.arrival_delay_minutes};
    corvid::byte_buffer json;
    if (auto written = corvid::json::encode(s, json); !written)
        throw std::runtime_error(written.error().describe());
    std::ofstream out(file);
    out << json.text() << '\n';
    if (!out.flush()) throw unwritable(file);
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
// corvid's group loop: `corvid_bytes` handles records as they are, `corvid_json` by a typed handler of
// flights.
#include <corvid/consume/group_loop.hpp>
#include <corvid/consume/typed_handler.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/arm.hpp>
#include <bench/peers/flight.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

namespace corvid::bench {

CORVID_MESSAGE(flight,
               (row, year, month, day, carrier, flight_number, tail_number, origin, destination,
                departure_delay, arrival_delay, distance, cancelled),
               .topic = "bench.flight");

namespace {

/// Counts what is handled and ends the span at the last record. The loop's own until `over`.
class tally {
public:
    tally(const options& chosen, span& measured)
        : order_(chosen.keys), expected_(chosen.messages), measured_(measured) {}

    void take(const record& each) {
        order_.take_bytes(each.value.data(), each.value.size());
        taken();
    }
    void take(const flight& each) {
        order_.take_row(static_cast<std::uint64_t>(each.row));
        sum_.add(each);
        taken();
    }
    [[nodiscard]] signal& over() { return over_; }
    [[nodiscard]] outcome verdict(bool typed) const {
        outcome result = judge(order_, expected_);
        if (typed && sum_ != expected_sum(expected_)) result.why += " the flights' sums differ";
        result.correct = result.why.empty();
        return result;
    }

private:
    void taken() {
        if (order_.taken() + order_.wrong() != expected_) return;
        measured_.end();
        over_.set();
    }

    order_check order_;
    flight_sum sum_;
    std::uint64_t expected_;
    span& measured_;
    signal over_;
};

class bytes_handler final : public handler {
public:
    explicit bytes_handler(tally& into) : into_(into) {}
    void start(run& records) noexcept override {
        while (records.has_next()) {
            into_.take(records.current());
            records.complete(done);
        }
        records.end();
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return true; }

private:
    tally& into_;
};

std::unique_ptr<handler> make_handler(const options& chosen, tally& into, task_scope& scope) {
    if (chosen.arm == "corvid_bytes") return std::make_unique<bytes_handler>(into);
    if (chosen.arm != "corvid_json") {
        std::fprintf(stderr, "bench: unknown arm %s\n", chosen.arm.c_str());
        std::exit(2);
    }
    auto handle = [&into](const flight& each) { into.take(each); };
    return std::make_unique<typed_handler<flight, decltype(handle)>>(handle, scope);
}

/// The span begins with the assignment, as in the raw arms: the loop tells it before it accepts it.
logger begins_span(span& measured) {
    return logger({.output = [&measured](std::string_view line) {
        if (line.find("\"partitions assigned\"") != std::string_view::npos)
            measured.begin();
        else if (line.find("\"error\"") != std::string_view::npos)
            std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(line.size()), line.data());
    }});
}

group_settings settings_of(const options& chosen) {
    group_settings settings;
    settings.source.group = chosen.group;
    settings.source.prefetch_records = 100'000;
    settings.source.prefetch_kbytes = 16'384;
    return settings;
}

std::vector<subscription> subscriptions_of(const options& chosen, std::unique_ptr<handler> handle) {
    std::vector<subscription> all;
    all.push_back({.name = chosen.arm, .topics = {topic_name(chosen.topic)}, .handle = std::move(handle)});
    return all;
}

int measure(const options& chosen) {
    threaded_scheduler root;
    kafka::cluster cluster({.bootstrap = chosen.bootstrap});
    span measured;
    tally into(chosen, measured);
    task_scope scope;
    bool ended = false;
    {
        group_loop loop(cluster, root, settings_of(chosen),
                        subscriptions_of(chosen, make_handler(chosen, into, scope)), begins_span(measured),
                        nullptr);
        loop.start();
        ended = root.wait(into.over(), root.steady_now() + std::chrono::minutes(4));
        loop.stop(std::chrono::seconds(10), std::chrono::seconds(1));
        root.wait(loop.ended(), std::nullopt);
    }
    if (!ended) measured.end();
    const outcome result = into.verdict(chosen.arm == "corvid_json");
    print_line(chosen, measured, result, kafka::judge_loaded_version().version);
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) {
    try {
        return corvid::bench::measure(corvid::bench::parse_options(argc, argv));
    } catch (const std::exception& why) {
        std::fprintf(stderr, "bench: %s\n", why.what());
        return 1;
    }
}

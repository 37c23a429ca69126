// SPDX-License-Identifier: Apache-2.0
// corvid as it is used: a service whose handlers record, exactly once.
#include <corvid/service/service.hpp>

#include <corvid/message/message.hpp>

#include <bench/inbox/arms.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace corvid::bench {

struct placed {
    std::int64_t number = 0;
    std::int64_t cents = 0;
};
CORVID_MESSAGE(placed, (number, cents), .topic = "bench.inbox.placed");

namespace {

using batch_of_placed = std::span<const received<placed>>;

class subject {
public:
    subject(const inbox_options& chosen, span& measured)
        : chosen_(chosen),
          measured_(measured),
          service_(settings_of(chosen)),
          db_(service_.root(), {.url = chosen.url, .pool_size = 4}) {}

    void per_record() {
        service_.on<placed>("bench",
                            [this](const placed& p, context&, unit_of_work& db) {
                                begins();
                                db.execute("insert into effect(event, cents) values ($1, $2)", p.number,
                                           p.cents);
                            },
                            {.group = chosen_.group, .topics = {chosen_.topic}, .exactly_once = in(db_)});
        run();
    }
    void batches(effect_mark by) {
        service_.on_batch<placed>(
            "bench",
            [this](batch_of_placed batch, batch_context&, unit_of_work& db) {
                begins();
                std::vector<std::int64_t> numbers;
                for (const auto& each : batch)
                    numbers.push_back(each->number);
                db.execute("insert into effect(event, cents) select e, 100 from unnest($1::bigint[]) e",
                           numbers);
            },
            {.max = 500,
             .within = std::chrono::milliseconds(5),
             .concurrency = 4,
             .group = chosen_.group,
             .topics = {chosen_.topic},
             .order = by == by_offset ? by_partition : by_key,
             .exactly_once = in(db_, by)});
        run();
    }

private:
    static corvid::settings settings_of(const inbox_options& chosen) {
        corvid::settings s{.service = "bench"};
        s.kafka.bootstrap = chosen.bootstrap;
        s.http.listen = "";
        s.log.level = log_level::warn;
        return s;
    }
    void begins() {
        if (!begun_.exchange(true, std::memory_order_relaxed)) measured_.begin();
    }
    [[nodiscard]] std::uint64_t settled() {
        return service_.figures().counter_of(metric::events_processed, {chosen_.group}).value() +
               service_.figures().counter_of(metric::events_duplicates, {chosen_.group}).value();
    }
    void run() {
        service_.start();
        while (settled() < chosen_.messages)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        measured_.end();
        service_.stop();
    }

    const inbox_options& chosen_;
    span& measured_;
    std::atomic<bool> begun_{false};
    service service_;
    database db_;
};

} // namespace

arm_function service_arm(std::string_view name) {
    if (name == "corvid_event_id_record")
        return [](const inbox_options& chosen, span& measured) { subject(chosen, measured).per_record(); };
    if (name == "corvid_event_id_batch")
        return [](const inbox_options& chosen, span& measured) {
            subject(chosen, measured).batches(by_event_id);
        };
    if (name == "corvid_offset_batch")
        return
            [](const inbox_options& chosen, span& measured) { subject(chosen, measured).batches(by_offset); };
    return nullptr;
}

} // namespace corvid::bench

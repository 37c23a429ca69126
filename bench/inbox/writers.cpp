// SPDX-License-Identifier: Apache-2.0
// corvid's writers, fed with what handlers would have recorded: what exactly once costs without Kafka.
#include <corvid/inbox/by_offset/offset_writer.hpp>
#include <corvid/inbox/effect_writer.hpp>
#include <corvid/inbox/inbox.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/inbox/arms.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace corvid::bench {
namespace {

constexpr std::uint64_t chunk = 256;       // records of a run
constexpr std::uint64_t in_flight = 8'000; // recorded and not yet settled
constexpr std::string_view insert = "insert into effect(event, cents) values ($1, $2)";
constexpr std::string_view insert_many =
    "insert into effect(event, cents) select e, 100 from unnest($1::bigint[]) e";

// Bounds what is in flight, as the engine's budget does.
class credit {
public:
    void take(std::uint64_t n) {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [&] { return used_ + n <= in_flight; });
        used_ += n;
    }
    void give(std::uint64_t n) {
        const std::lock_guard lock(mutex_);
        used_ -= n;
        freed_.notify_one();
    }
    void wait_for_all() {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [&] { return used_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable freed_;
    std::uint64_t used_ = 0;
};

struct subject {
    explicit subject(const std::string& url) : db(root, {.url = url, .pool_size = 4}) {
        inbox box(db, {.group = "bench"});
        auto loop = root.run_thread("bench", [](scheduler&) {});
        if (!wait_for(root, loop->loop(), migrate(box))) std::exit(2);
    }
    static task<bool> migrate(inbox& box) {
        auto migrating = box.migrate();
        co_return (co_await migrating).has_value();
    }
    threaded_scheduler root;
    database db;
    credit budget;
};

void stop_on(const error& why) {
    std::fprintf(stderr, "bench: %s\n", why.describe().c_str());
    std::exit(2);
}

void event_id_record(const inbox_options& chosen, span& measured) {
    subject s(chosen.url);
    effect_writer writer(s.db, "bench", [&](std::vector<settled> done) {
        for (const settled& each : done)
            if (!each.outcome) stop_on(each.outcome.error());
        s.budget.give(done.size());
    });
    measured.begin();
    for (std::uint64_t i = 0; i < chosen.messages;) {
        std::vector<effect> run;
        for (const std::uint64_t end = std::min(i + chunk, chosen.messages); i < end; ++i) {
            const std::uint64_t number = number_of(i);
            effect& one = run.emplace_back();
            one.lane = number % 1'000;
            one.mark.id = id_of(number);
            one.mark.topic = "shop.order.placed";
            one.mark.partition = 0;
            one.mark.offset = static_cast<std::int64_t>(i);
            one.unit.execute(insert, static_cast<std::int64_t>(number), 100);
        }
        s.budget.take(run.size());
        writer.add(std::move(run));
    }
    s.budget.wait_for_all();
    measured.end();
}

// Batches of 500, two transactions at a time: the handler makes one statement of those that are new.
task<void> batches(effect_writer& writer, std::uint64_t first, std::uint64_t step, std::uint64_t messages) {
    for (std::uint64_t i = first * 500; i < messages; i += step * 500) {
        std::vector<event_mark> marks;
        std::vector<std::int64_t> numbers;
        for (std::uint64_t n = i; n < std::min(i + 500, messages); ++n) {
            numbers.push_back(static_cast<std::int64_t>(number_of(n)));
            marks.push_back({.id = id_of(number_of(n)),
                             .topic = "shop.order.placed",
                             .partition = 0,
                             .offset = static_cast<std::int64_t>(n)});
        }
        auto beginning = writer.begin_batch(std::move(marks));
        auto begun = co_await beginning;
        if (!begun) stop_on(begun.error());
        std::vector<std::int64_t> fresh;
        for (std::size_t n = 0; n < numbers.size(); ++n)
            if ((*begun)->is_new(n)) fresh.push_back(numbers[n]);
        unit_of_work unit;
        unit.execute(insert_many, fresh);
        auto outcome = co_await (*begun)->commit(unit);
        if (!outcome) stop_on(outcome.error());
    }
}

void event_id_batch(const inbox_options& chosen, span& measured) {
    subject s(chosen.url);
    effect_writer writer(s.db, "bench", [](std::vector<settled>) {});
    const auto loop = s.root.run_thread("handlers", [](scheduler&) {});
    task_scope scope;
    measured.begin();
    for (std::uint64_t n = 0; n < 2; ++n)
        scope.spawn(loop->loop(), batches(writer, n, 2, chosen.messages));
    scope.wait(s.root);
    measured.end();
}

// Four partitions, each event on the one of its number; duplicates are the producer's and are not seen: each
// position is an event of its own.
void offsets(const inbox_options& chosen, span& measured, std::uint64_t effects_of) {
    constexpr std::uint64_t partitions = 4;
    subject s(chosen.url);
    offset_writer writer(
        s.db, "bench",
        [&, last = std::vector<std::int64_t>(partitions)](const offset_writer::news& news) mutable {
            if (news.lost) stop_on(*news.lost);
            for (const settled& each : news.effects)
                if (!each.outcome) stop_on(each.outcome.error());
            if (!news.next) return;
            s.budget.give(static_cast<std::uint64_t>(*news.next - std::exchange(last[news.of], *news.next)));
        });
    for (std::uint64_t p = 0; p < partitions; ++p)
        writer.assign(p, "shop.order.placed", static_cast<std::int32_t>(p), 0, false);
    std::vector<std::int64_t> offset(partitions);
    measured.begin();
    for (std::uint64_t i = 0, p = 0; i < chosen.messages; p = (p + 1) % partitions) {
        const std::uint64_t end = std::min(i + std::max(chunk, effects_of), chosen.messages);
        s.budget.take(end - i);
        std::vector<offset_effect> run;
        while (i < end) {
            offset_effect& one = run.emplace_back();
            one.offset = offset[p];
            std::vector<std::int64_t> numbers;
            for (std::uint64_t n = 0; n < effects_of && i < end; ++n, ++i, ++offset[p])
                numbers.push_back(static_cast<std::int64_t>(i));
            if (effects_of == 1)
                one.unit.execute(insert, numbers.front(), 100);
            else
                one.unit.execute(insert_many, numbers);
        }
        writer.add(p, std::move(run));
        writer.complete(p, offset[p]);
    }
    writer.flush();
    s.budget.wait_for_all();
    measured.end();
}

} // namespace

arm_function writer_arm(std::string_view name) {
    if (name == "writer_event_id_record") return &event_id_record;
    if (name == "writer_event_id_batch") return &event_id_batch;
    if (name == "writer_offset_record")
        return [](const inbox_options& chosen, span& measured) { offsets(chosen, measured, 1); };
    if (name == "writer_offset_batch")
        return [](const inbox_options& chosen, span& measured) { offsets(chosen, measured, 500); };
    return nullptr;
}

} // namespace corvid::bench

// SPDX-License-Identifier: Apache-2.0
// A corvid service as its users write one: a plain function where the work does not wait, a coroutine where
// it does, by key, with everything as it is by default but concurrency: as many workers as it has cores.
#include <corvid/kafka/versions.hpp>
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/keyorder/key_check.hpp>

#include <cstdio>
#include <exception>

namespace corvid::bench {

struct numbered {
    std::int64_t key = 0;
    std::int64_t sequence = 0;

    [[nodiscard]] keyed place() const {
        return {static_cast<std::uint32_t>(key - value_text::base),
                static_cast<std::uint32_t>(sequence - value_text::base)};
    }
};
CORVID_MESSAGE(numbered, (key, sequence), .topic = "bench.numbered");

namespace {

settings settings_of(const options& chosen) {
    settings of{.service = "bench"};
    of.kafka.bootstrap = chosen.bootstrap;
    of.http.listen = "";
    of.log.level = log_level::warn;
    return of;
}

subscription_options reading(const options& chosen) {
    return {.group = chosen.group, .topics = {chosen.topic}, .concurrency = chosen.concurrency};
}

void subscribe(service& with, const options& chosen, key_check& check) {
    const handler_work work = parse_work(chosen.work);
    if (work.kind == work_kind::wait) {
        with.on<numbered>(
            "keyorder",
            [&check, work](const numbered& message, context& ctx) -> task<void> {
                check.begin(message.place());
                co_await ctx.sleep(work.length);
                check.end(message.place());
            },
            reading(chosen));
        return;
    }
    with.on<numbered>(
        "keyorder",
        [&check, work](const numbered& message) {
            check.begin(message.place());
            if (work.kind == work_kind::cpu) spin(work.length);
            check.end(message.place());
        },
        reading(chosen));
}

int measure(const options& chosen) {
    span measured;
    signal over;
    key_check check(chosen, measured, [&over] { over.set(); });
    threaded_scheduler clock;
    exit_code ended{};
    {
        service under_test(settings_of(chosen));
        subscribe(under_test, chosen, check);
        under_test.start();
        static_cast<void>(clock.wait(over, clock.steady_now() + std::chrono::minutes(4)));
        ended = under_test.stop();
    }
    outcome result = check.verdict();
    if (result.correct && ended != exit_code::clean) {
        result.correct = false;
        result.why = "the service did not stop cleanly";
    }
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

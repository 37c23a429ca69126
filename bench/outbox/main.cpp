// SPDX-License-Identifier: Apache-2.0
//
// One arm of the outbox bench, one JSON line:
//   outbox_arm --arm corvid_drain --url postgresql://… --bootstrap H:P --topic T [--messages N] [--rate R]
//              [--keys K] [--per-aggregate A]
// `tables` makes an empty outbox, `fill` writes the rows that another arm's process drains, `check` reads the
// topic.
#include <bench/outbox/arms.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace corvid::bench {
namespace {

outbox_options parse(int argc, char** argv) {
    outbox_options chosen;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const char* const value = argv[i + 1];
        const auto number = [&] { return std::strtoull(value, nullptr, 10); };
        if (name == "--arm") chosen.arm = value;
        if (name == "--url") chosen.url = value;
        if (name == "--bootstrap") chosen.bootstrap = value;
        if (name == "--topic") chosen.topic = value;
        if (name == "--messages") chosen.messages = number();
        if (name == "--rate") chosen.rate = number();
        if (name == "--per-transaction") chosen.per_transaction = number();
        if (name == "--keys") chosen.keys = static_cast<std::uint32_t>(number());
        if (name == "--per-aggregate") chosen.per_aggregate = static_cast<std::uint32_t>(number());
    }
    return chosen;
}

outbox_outcome run(const outbox_options& chosen) {
    if (chosen.arm == "fill") return fill(chosen);
    if (chosen.arm == "corvid_drain") return drain(chosen);
    if (chosen.arm == "corvid_steady" || chosen.arm == "corvid_steady_batches") return steady(chosen, false);
    if (chosen.arm == "corvid_steady_notify") return steady(chosen, true);
    if (chosen.arm == "tables") make_tables(chosen);
    if (chosen.arm == "tables" || chosen.arm == "check") return {};
    stop_on("no arm " + chosen.arm);
}

int work(const outbox_options& chosen) {
    outbox_outcome ran = run(chosen);
    std::uint64_t repeated = 0;
    if (ran.why.empty() && chosen.arm != "fill" && chosen.arm != "tables")
        ran.why = check_log(chosen, repeated);
    const auto count = static_cast<double>(chosen.messages);
    std::printf("{\"messages\":%llu,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s_per_million\":%.4f,"
                "\"repeated\":%llu%s,\"correct\":%s,\"why\":\"%s\"}\n",
                static_cast<unsigned long long>(chosen.messages), ran.measured.seconds(),
                ran.measured.seconds() > 0 ? count / ran.measured.seconds() : 0.0,
                ran.measured.cpu_seconds() / count * 1e6, static_cast<unsigned long long>(repeated),
                ran.more.c_str(), ran.why.empty() ? "true" : "false", ran.why.c_str());
    return 0;
}

} // namespace

void stop_on(const std::string& why) {
    std::fprintf(stderr, "bench: %s\n", why.c_str());
    std::exit(2);
}

std::string key_name(std::uint32_t key) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "key-%06u", key);
    return text.data();
}

std::string payload_of(std::uint32_t keys, std::uint64_t number) {
    std::string text = std::to_string(number % keys) + ' ' + std::to_string(number / keys) + ' ' +
                       std::to_string(number) + ' ';
    text.resize(payload_bytes, '.');
    return text;
}

} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::work(corvid::bench::parse(argc, argv)); }

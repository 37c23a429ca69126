// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/settings.hpp>

namespace corvid {

using namespace std::chrono_literals;

producer_settings throughput_preset() {
    producer_settings s;
    s.sink.linger = 50ms;
    s.in_flight = {.records = 100'000, .bytes = 64ULL << 20};
    return s;
}

producer_settings latency_preset() {
    producer_settings s;
    s.sink.linger = 0ms;
    s.sink.compression = "none";
    s.sink.message_timeout = 5s;
    s.sink.request_timeout = 2s;
    return s;
}

producer_settings durability_preset() {
    producer_settings s;
    s.sink.message_timeout = 15min;
    return s;
}

namespace {
std::unexpected<error> clash(std::string message, std::string hint) {
    return fail(errc::conflicting_settings,
                {.message = std::move(message), .hint = std::move(hint), .operation = "produce"});
}
std::string ms(std::chrono::milliseconds d) { return std::to_string(d.count()) + " ms"; }
} // namespace

result<void> validate(const producer_settings& settings) {
    const auto& s = settings.sink;
    if (s.idempotent && s.acks != broker::acknowledgements::all)
        return clash("sink.idempotent needs sink.acks = all",
                     "set sink.idempotent = false, or leave sink.acks at all");
    if (!s.transactional_id.empty() && !s.idempotent)
        return clash("sink.transactional_id needs sink.idempotent", "leave sink.idempotent at true");
    if (s.message_timeout <= s.linger)
        return clash("sink.message_timeout (" + ms(s.message_timeout) + ") must be above sink.linger (" +
                         ms(s.linger) + ")",
                     "lower sink.linger or raise sink.message_timeout");
    if (settings.in_flight.records == 0 || settings.in_flight.records > 8'000'000 ||
        settings.in_flight.bytes == 0 || settings.in_flight.bytes > 1ULL << 39)
        return fail(errc::invalid_setting,
                    {.message = "in_flight takes 1 to 8,000,000 records and 1 byte to 512 GiB",
                     .operation = "produce"});
    if (s.max_record_bytes > settings.in_flight.bytes)
        return clash("sink.max_record_bytes is above in_flight.bytes", "raise in_flight.bytes");
    return {};
}

} // namespace corvid

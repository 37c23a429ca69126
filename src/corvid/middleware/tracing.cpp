// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/tracing.hpp>

#include <corvid/base/random.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/middleware/settings.hpp>

namespace corvid {

namespace {

// FNV-1a, whose bits prng then spreads.
struct digest {
    std::uint64_t state = 0xcbf29ce484222325U;
    digest& add(std::string_view text) noexcept {
        for (const char c : text)
            state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        return add(text.size());
    }
    digest& add(std::uint64_t number) noexcept {
        for (int i = 0; i < 8; ++i, number >>= 8U)
            state = (state ^ (number & 0xffU)) * 0x100000001b3U;
        return *this;
    }
};

std::uint64_t above_0(std::uint64_t id) noexcept { return id == 0 ? 1 : id; }

prng random_of(const span_place& place, bool with_attempt) noexcept {
    digest of;
    of.add(place.topic)
        .add(static_cast<std::uint64_t>(place.partition))
        .add(static_cast<std::uint64_t>(place.offset));
    if (with_attempt) of.add(place.group).add(static_cast<std::uint64_t>(place.attempt));
    return prng(of.state);
}

trace_context new_trace(const span_place& place, double sample) noexcept {
    prng random = random_of(place, false);
    trace_context fresh;
    std::uint64_t half = above_0(random());
    for (std::size_t i = 0; i < fresh.trace_id.size(); ++i, half >>= 8U) {
        if (i == 8) half = random();
        fresh.trace_id[i] = static_cast<std::uint8_t>(half);
    }
    fresh.sampled = random.chance(sample);
    return fresh;
}

} // namespace

begun_span begin_span(const header_list& its_headers, const span_place& place, double sample) noexcept {
    const std::uint64_t id = above_0(random_of(place, true)());
    if (const auto text = find_header(its_headers, wire::traceparent))
        if (const auto sent_in = trace_context::parse(*text)) return {sent_in->child(id), sent_in->span_id};
    return {new_trace(place, sample).child(id), {}};
}

result<void> tracing_settings::validate() const {
    if (sample >= 0 && sample <= 1) return {};
    return fail(errc::invalid_setting, {.message = "tracing.sample is not from 0 to 1",
                                        .hint = "set it to a part of all traces, as 0.01",
                                        .operation = "subscribe"});
}

} // namespace corvid

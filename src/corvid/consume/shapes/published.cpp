// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/published.hpp>

#include <corvid/base/random.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/observe/trace_context.hpp>

#include <functional>

namespace corvid::detail {

namespace {

/// Two words that are the same for the same text, and never 0.
std::uint64_t word_of(std::string_view text, std::uint64_t which) noexcept {
    prng mixes(std::hash<std::string_view>{}(text) + which);
    return mixes() | 1U;
}

/// A span of the record's trace, or of one that begins with it: derived from the ids, so that a record that
/// comes again publishes the same.
std::string trace_of(const header_list& its_headers, std::string_view from, std::string_view id) {
    const auto text = find_header(its_headers, wire::traceparent);
    auto trace = text ? trace_context::parse(*text) : std::nullopt;
    if (!trace) {
        trace.emplace();
        for (std::size_t i = 0; i < 16; ++i)
            trace->trace_id[i] = static_cast<std::uint8_t>(word_of(from, i / 8) >> (i % 8 * 8));
    }
    return trace->child(word_of(id, 2)).traceparent();
}

} // namespace

publish_headers::publish_headers(std::string id, std::string from, const header_list& its_headers,
                                 std::span<const header_view> given)
    : id_(std::move(id)), from_(std::move(from)) {
    correlation_ = find_header(its_headers, wire::correlation_id).value_or(from_);
    trace_ = trace_of(its_headers, from_, id_);
    all_ = {{wire::correlation_id, optional_bytes(correlation_)},
            {wire::causation_id, optional_bytes(from_)},
            {wire::traceparent, optional_bytes(trace_)}};
    all_.insert(all_.end(), given.begin(), given.end()); // the last of a name counts
}

void publish_answer::came(result<delivery> answer) noexcept {
    tally_.answered(answer ? std::nullopt : std::optional(answer.error()));
    answer_.emplace(std::move(answer));
    if (void* const waits = waiter_.exchange(this, std::memory_order_acq_rel))
        static_cast<published_base*>(waits)->complete();
    drop();
}

void publish_answer::drop() noexcept {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) pool_delete(this);
}

bool published_base::start() noexcept {
    void* nobody = nullptr;
    return of_.waiter_.compare_exchange_strong(nobody, this, std::memory_order_acq_rel);
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/published.hpp>

#include <corvid/message/wire_names.hpp>

namespace corvid::detail {

publish_headers::publish_headers(std::string id, std::string from, const header_list& its_headers,
                                 const trace_context& within, std::span<const header_view> given)
    : id_(std::move(id)), from_(std::move(from)) {
    correlation_ = find_header(its_headers, wire::correlation_id).value_or(from_);
    trace_ = within.traceparent();
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

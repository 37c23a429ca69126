// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/send_operation.hpp>

#include <corvid/produce/publisher.hpp>

namespace corvid {

send_operation::send_operation(publisher& by, published_topic& to, optional_bytes key, optional_bytes value,
                               const send_options& options) noexcept
    : send_operation(by, result<published_topic*>(&to), key, value, options) {}

send_operation::send_operation(publisher& by, result<published_topic*> to, optional_bytes key,
                               optional_bytes value, const send_options& options) noexcept
    : send_node(&send_operation::reported),
      publisher_(by),
      record_{.key = key, .value = value, .node = this} {
    if (!to) {
        failure = std::move(to).error();
        return;
    }
    topic_ = *to;
    if (!publisher::prepare(*topic_, record_, options))
        failure = publisher::no_such_partition(*topic_, options);
}

void send_operation::reported(work& node) noexcept {
    static_cast<send_operation&>(static_cast<broker::send_node&>(node)).complete();
}

bool send_operation::start() noexcept { return !failure && publisher_.launch(*this); }

bool send_operation::start_reserved() noexcept {
    const auto size = record_.bytes();
    if (!failure && publisher_.dispatch(*this)) return true; // perhaps over and gone
    publisher_.give_back(credit::tally::awaited, size);
    return false;
}

result<delivery> send_operation::take() noexcept {
    if (failure) return fail(*std::move(failure));
    return delivery{.topic = topic_->name().str(),
                    .partition = partition,
                    .offset = at,
                    .timestamp = wall_time(std::chrono::milliseconds(timestamp))};
}

bool flush_operation::start() noexcept { return publisher_.begin_flush(*this); }

result<void> flush_operation::take() noexcept {
    if (failure_) return fail(*std::move(failure_));
    return {};
}

} // namespace corvid

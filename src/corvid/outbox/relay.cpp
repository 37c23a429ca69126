// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay.hpp>

#include <corvid/outbox/relay/relay_loop.hpp>

namespace corvid {

result<void> validate(const relay_settings& settings) {
    const auto wrong = [](std::string what) {
        return fail(errc::invalid_setting, {.message = std::move(what), .operation = "make a relay"});
    };
    if (settings.in_flight < 1 || settings.in_flight > 20'000) return wrong("in_flight is 1 to 20,000");
    if (settings.max_bytes < 1) return wrong("max_bytes is above 0");
    if (settings.per_aggregate < 1) return wrong("per_aggregate is above 0");
    if (settings.poll.count() < 1) return wrong("poll is above 0");
    if (settings.lease < std::chrono::seconds{1}) return wrong("lease is at least 1 s");
    if (settings.retention.count() < 0) return wrong("retention is not below 0");
    if (settings.shed_every.count() < 1) return wrong("shed_every is above 0");
    return settings.pause.validate();
}

class relay::impl : public outbox_detail::relay_loop {
public:
    using relay_loop::relay_loop;
};

relay::relay(outbox& of, publisher& out, relay_settings settings, metrics* figures, logger log) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    if (out.settings().sink.acks != broker::acknowledgements::all)
        throw config_error(
            error(errc::conflicting_settings,
                  {.message =
                       "a relay passes an event once it is acknowledged, and produce.acks is not all: events "
                       "would be lost with a broker",
                   .hint = "set produce.acks to all",
                   .operation = "relay"}));
    impl_ = std::make_shared<impl>(of.into(), out, std::move(settings), figures, std::move(log));
    impl_->start(impl_);
}

relay::~relay() { close(); }
void relay::close() { impl_->close(true); }
void relay::abandon() { impl_->close(false); }
const std::string& relay::name() const noexcept { return impl_->name(); }

} // namespace corvid

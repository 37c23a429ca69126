// SPDX-License-Identifier: Apache-2.0
#include <corvid/inbox/event_mark.hpp>

#include <corvid/store/identifier.hpp>

#include <string_view>

namespace corvid {

namespace {

result<void> validate_text(std::string_view text, std::string_view what) {
    const char* why = text.empty()                                ? "is empty"
                      : text.size() > event_mark::max_bytes       ? "has more than 1000 bytes"
                      : text.find('\0') != std::string_view::npos ? "holds a NUL"
                      : !store::is_utf8(text)                     ? "is not UTF-8"
                                                                  : nullptr;
    if (!why) return {};
    return fail(errc::statement_rejected, {.message = "the " + std::string(what) + ' ' + why,
                                           .hint = "look at the producer's header idempotency_key or ce_id",
                                           .operation = "mark an event"});
}

} // namespace

result<void> validate(const event_mark& mark) {
    if (auto id = validate_text(mark.id, "event id"); !id) return id;
    return validate_text(mark.group, "consumer group");
}

} // namespace corvid

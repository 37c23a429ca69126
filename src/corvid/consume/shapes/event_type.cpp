// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/shapes/event_type.hpp>

#include <corvid/serde/json/reader.hpp>

namespace corvid {

namespace {

std::optional<std::string> text_of_member(std::string_view document, std::string_view name) {
    json::reader in(document);
    if (!in.begin_object()) return std::nullopt;
    while (in.next_key()) {
        if (in.key() != name) {
            if (!in.skip()) return std::nullopt;
            continue;
        }
        std::string text;
        return in.read(text) ? std::optional(std::move(text)) : std::nullopt;
    }
    return std::nullopt;
}

} // namespace

type_selector json_field(std::string name) {
    return [name = std::move(name)](const record_origin& of) -> std::optional<std::string> {
        if (!of.source->value) return std::nullopt;
        return text_of_member(of.source->value.text(), name);
    };
}

std::optional<std::string_view> detail::event_type_in(const header_list& headers) noexcept {
    const auto own = find_header(headers, wire::event_type);
    return own ? own : find_header(headers, wire::ce_type);
}

error detail::unknown_event_type(std::string_view type) {
    return error(errc::unknown_event_type,
                 {.message = type.empty() ? std::string("the record says no type")
                                          : "the record is of type " + std::string(type),
                  .operation = "route"});
}

} // namespace corvid

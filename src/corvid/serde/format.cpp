// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/format.hpp>

#include <charconv>
#include <memory>

namespace corvid {

result<int> version_of(std::optional<std::string_view> header) {
    if (!header) return wire::default_version;
    int version = 0;
    const char* const begin = std::to_address(header->begin());
    const char* const end = std::to_address(header->end());
    const auto read = std::from_chars(begin, end, version);
    if (read.ec == std::errc{} && read.ptr == end) return version;
    return fail(errc::unknown_version,
                {.message = "the header event_version is not a number", .operation = "decode"});
}

namespace detail {

error empty_payload(std::string_view name, std::string_view topic) {
    return error(errc::empty_payload, {.message = "a tombstone, where " + std::string(name) + " is expected",
                                       .operation = "decode",
                                       .topic = std::string(topic)});
}

error in_topic(error why, std::string_view topic) {
    if (!why.topic().empty()) return why;
    error_details details = why.details();
    details.topic = topic;
    return error(why.code(), std::move(details));
}

} // namespace detail

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/topic_name.hpp>

namespace corvid {

namespace {
result<topic_name> name_or_error(bool ok, std::string_view name, const char* rule) {
    if (ok) return topic_name(name);
    return fail(errc::invalid_name,
                {.message = "topic name \"" + std::string(name.substr(0, 260)) + "\" is not " + rule,
                 .topic = std::string(name.substr(0, 260))});
}
} // namespace

result<topic_name> topic_name::checked(std::string_view name) {
    return name_or_error(is_topic(name), name,
                         "2 to 6 segments of [a-z0-9-] joined by dots, at most 200 characters");
}

result<topic_name> topic_name::checked(unchecked_name name) {
    return name_or_error(is_kafka_topic(name.name), name.name, "1 to 249 characters of [a-zA-Z0-9._-]");
}

} // namespace corvid

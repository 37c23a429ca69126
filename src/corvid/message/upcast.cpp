// SPDX-License-Identifier: Apache-2.0
#include <corvid/message/upcast.hpp>

namespace corvid::reflect {

error unknown_version(std::string_view name, std::string_view topic, int newest, int found) {
    return error(errc::unknown_version, {.message = "version " + std::to_string(found) + " of " +
                                                    std::string(name) + ": this service reads up to " +
                                                    std::to_string(newest) + ", and older ones by upcasters",
                                         .operation = "decode",
                                         .topic = std::string(topic)});
}

error upcast_failed(std::string_view name, std::string_view topic, int from, error why) {
    return caused_by(errc::upcast_failed,
                     {.message = "the upcaster of " + std::string(name) + " refused a record of version " +
                                 std::to_string(from),
                      .operation = "decode",
                      .topic = std::string(topic)},
                     std::move(why));
}

} // namespace corvid::reflect

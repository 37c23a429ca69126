// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/context.hpp>

namespace corvid {

std::string context::event_id() const {
    const header_list list = headers();
    for (std::string_view name : {wire::idempotency_key, std::string_view("ce_id")})
        if (auto id = find_header(list, name)) return std::string(*id);
    return topic() + '-' + std::to_string(partition().value) + '-' + std::to_string(offset().value);
}

} // namespace corvid

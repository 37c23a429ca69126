// SPDX-License-Identifier: Apache-2.0
//
// listen_address: `127.0.0.1:8080`, `[::1]:0` or `localhost:8080`, read and judged.
#pragma once

#include <corvid/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace corvid::detail {

struct listen_address {
    std::string host; ///< an IP address
    std::uint16_t port = 0;
    bool loopback = true;

    /// Errors: invalid_setting. Names other than localhost are not looked up.
    [[nodiscard]] static result<listen_address> parse(std::string_view text);
};

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/listen_address.hpp>

#include <corvid/service/detail/setting_text.hpp>

#include <boost/asio/ip/address.hpp>

namespace corvid::detail {

result<listen_address> listen_address::parse(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(errc::invalid_setting,
                    {.message = "http.listen is \"" + std::string(text) + "\": " + std::string(why),
                     .hint = "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080"});
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong("there is no port");
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port > 65'535) return wrong("the port is no number up to 65535");
    std::string host(text.substr(0, colon));
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return wrong("an IPv6 address stands in brackets");
    if (host == "localhost") host = "127.0.0.1";
    boost::system::error_code failed;
    const auto address = boost::asio::ip::make_address(host, failed);
    if (failed) return wrong("the host is no IP address");
    return listen_address{host, static_cast<std::uint16_t>(*port), address.is_loopback()};
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// client_config: from corvid's settings to librdkafka's, with corvid's defaults and refusals. In the order of
// precedence: corvid's defaults, the neutral settings of broker/, connection_settings.properties, the
// source's or sink's properties. All throw config_error.
#pragma once

#include <corvid/kafka/cluster.hpp>
#include <corvid/kafka/detail/property.hpp>

namespace corvid::kafka {

[[nodiscard]] property_set consumer_config(const connection_settings& connection,
                                           const broker::source_settings& settings);
[[nodiscard]] property_set producer_config(const connection_settings& connection,
                                           const broker::sink_settings& settings);
/// Key, value and headers of a record that is no transfer, in bytes.
[[nodiscard]] std::size_t record_limit(const property_set& producer);
[[nodiscard]] property_set admin_config(const connection_settings& connection);

/// What does not depend on a source or sink: the library's version, the bootstrap address, the properties.
void check_connection(const connection_settings& connection);

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
//
// property: librdkafka's configuration by name, checked. Values are applied in the order of the calls: the
// last one wins, also under another of its names.
#pragma once

#include <corvid/kafka/detail/handles.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::kafka {

class property_set {
public:
    property_set();

    /// Throws config_error: unknown_setting with the nearest name, invalid_setting. `origin` names the place
    /// for the user; a secret's value is in no message.
    void set(const std::string& name, const std::string& value, std::string_view origin);
    /// As set(), where this librdkafka knows the name; else nothing.
    void set_if_known(const std::string& name, const std::string& value);
    /// The effective value; empty where there is none.
    [[nodiscard]] std::string get(const std::string& name) const;
    /// Throws config_error (conflicting_settings) if `name` has another value by now than corvid relies on.
    void require(const std::string& name, std::string_view value, std::string_view why) const;

    [[nodiscard]] rd_kafka_conf_t* native() const noexcept { return conf_.get(); }
    /// Makes the client. Throws config_error with librdkafka's own words, secrets taken out.
    [[nodiscard]] rd_kafka_t* create(rd_kafka_type_t type);

private:
    [[nodiscard]] std::string without_secrets(std::string text) const;

    conf_handle conf_;
    std::vector<std::string> secrets_;
};

/// Of all names that this librdkafka knows, the one that `name` was probably meant to be; empty if none is
/// near.
[[nodiscard]] std::string nearest_property(std::string_view name);

} // namespace corvid::kafka

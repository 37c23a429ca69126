// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/property.hpp>

#include <corvid/base/result.hpp>
#include <corvid/observe/secret.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace corvid::kafka {
namespace {

/// The names in the table that rd_kafka_conf_properties_show() prints: first column, `name | scope | …`.
std::vector<std::string> known_properties() {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = open_memstream(&text, &size);
    if (!out) return {};
    rd_kafka_conf_properties_show(out);
    (void)std::fclose(out);
    const std::unique_ptr<char, destroyer<std::free>> owner(text);
    std::vector<std::string> names;
    std::string_view rest(text, size);
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::size_t end = line.find_first_of(" |");
        const std::string_view name = line.substr(0, end);
        if (end != std::string_view::npos &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._") == std::string_view::npos &&
            !name.empty())
            names.emplace_back(name);
    }
    return names;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

[[noreturn]] void refuse(errc code, std::string message, std::string hint) {
    throw config_error(error(code, {.message = std::move(message), .hint = std::move(hint)}));
}

} // namespace

std::string nearest_property(std::string_view name) {
    std::string best;
    std::size_t least = 2 + name.size() / 3; // farther than that is no typing error
    for (std::string& known : known_properties()) {
        const std::size_t distance = edit_distance(name, known);
        if (distance >= least) continue;
        least = distance;
        best = std::move(known);
    }
    return best;
}

property_set::property_set() : conf_(rd_kafka_conf_new()) {}

void property_set::set(const std::string& name, const std::string& value, std::string_view origin) {
    std::array<char, 512> why{};
    const bool hidden = is_secret_name(name);
    if (hidden && !value.empty()) secrets_.push_back(value);
    const auto outcome = rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), why.data(), why.size());
    if (outcome == RD_KAFKA_CONF_OK) return;
    const std::string place = std::string(origin) + ' ' + name;
    if (outcome == RD_KAFKA_CONF_UNKNOWN) {
        const std::string nearest = nearest_property(name);
        refuse(errc::unknown_setting,
               place + ": librdkafka " + rd_kafka_version_str() + " knows no such property",
               nearest.empty() ? "" : "did you mean " + nearest + '?');
    }
    refuse(errc::invalid_setting,
           hidden ? place + ": its value is refused"
                  : place + '=' + value + ": " + without_secrets(why.data()),
           "");
}

void property_set::set_if_known(const std::string& name, const std::string& value) {
    std::array<char, 512> why{};
    (void)rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), why.data(), why.size());
}

std::string property_set::get(const std::string& name) const {
    std::size_t size = 0;
    if (rd_kafka_conf_get(conf_.get(), name.c_str(), nullptr, &size) != RD_KAFKA_CONF_OK) return {};
    std::string value(size, '\0');
    if (rd_kafka_conf_get(conf_.get(), name.c_str(), value.data(), &size) != RD_KAFKA_CONF_OK) return {};
    value.resize(std::min(value.find('\0'), value.size()));
    return value;
}

void property_set::require(const std::string& name, std::string_view value, std::string_view why) const {
    if (const std::string actual = get(name); actual != value)
        refuse(errc::conflicting_settings,
               "kafka.properties " + name + '=' + actual + " clashes with corvid's own " + name + '=' +
                   std::string(value) + ": " + std::string(why),
               "take " + name + " out of kafka.properties");
}

std::string property_set::without_secrets(std::string text) const {
    for (const std::string& secret : secrets_)
        for (std::size_t at = text.find(secret); at != std::string::npos;
             at = text.find(secret, at + redacted.size()))
            text.replace(at, secret.size(), redacted);
    return redact(text);
}

rd_kafka_t* property_set::create(rd_kafka_type_t type) {
    std::array<char, 512> why{};
    rd_kafka_t* native = rd_kafka_new(type, conf_.get(), why.data(), why.size());
    if (!native)
        refuse(errc::invalid_setting, "librdkafka refuses its settings: " + without_secrets(why.data()), "");
    let_go(conf_);
    return native;
}

} // namespace corvid::kafka

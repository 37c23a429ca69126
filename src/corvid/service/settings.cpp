// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/settings.hpp>

#include <corvid/service/detail/setting_text.hpp>
#include <corvid/service/detail/settings_reader.hpp>
#include <corvid/service/detail/settings_table.hpp>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>
#include <system_error>
#include <utility>

namespace corvid {

namespace {

constexpr std::size_t max_file = std::size_t{1024} * 1024;

result<std::string> read_file(const std::filesystem::path& file) {
    const auto unreadable = [&](std::string_view why) {
        return fail(errc::settings_unreadable,
                    {.message = "the settings file " + file.string() + ' ' + std::string(why),
                     .operation = "read settings"});
    };
    std::error_code failed;
    if (!std::filesystem::exists(file, failed)) return unreadable("is not there");
    if (!std::filesystem::is_regular_file(file, failed)) return unreadable("is no file");
    if (std::filesystem::file_size(file, failed) > max_file) return unreadable("has more than 1 MiB");
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) return unreadable("cannot be read");
    return text;
}

std::string replaced(std::string text, std::string_view name, std::string_view value) {
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
    return text;
}

/// A pipe parts the cells of a Markdown table.
std::string cell(std::string_view text) { return replaced(std::string(text), "|", "\\|"); }

template <class Owner>
void write_row(std::ostream& out, const detail::setting_row<Owner>& row, Owner& defaults,
               const std::string& variable) {
    const std::string value = text_of(row, defaults);
    out << "| `" << row.path << "` | " << cell(type_of(row)) << " | "
        << (value.empty() ? "" : '`' + value + '`') << " | ";
    if (!variable.empty()) out << '`' << variable << "` | ";
    out << cell(row.help) << " |\n";
}

} // namespace

environment process_environment() {
    environment all;
    for (char** each = environ; each && *each; ++each) {
        const std::string_view text = *each;
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return all;
}

result<settings> settings::parse(std::string_view yaml, std::string_view name, const environment& variables) {
    settings read;
    if (auto done = detail::read_yaml(read, yaml, name, variables); !done) return fail(done.error());
    if (auto done = detail::read_environment(read, variables); !done) return fail(done.error());
    if (auto done = read.validate(); !done) return fail(done.error());
    return read;
}

result<settings> settings::try_load(const std::filesystem::path& file, const environment& variables) {
    const auto text = read_file(file);
    if (!text) return fail(text.error());
    return parse(*text, file.string(), variables);
}

settings settings::load(const std::filesystem::path& file, const environment& variables) {
    auto read = try_load(file, variables);
    if (!read) throw config_error(read.error());
    return *std::move(read);
}

std::string settings::describe() const {
    settings copy = *this; // rows hand out references that could be written to
    std::string text;
    const auto line = [&](const std::string& path, const std::string& value) {
        const auto origin = origins.find(path);
        // Where nothing stood, a log would take the next word for the value of a secret.
        text.append(path).append(" = ").append(value.empty() ? "\"\"" : value).append("  (");
        text.append(origin == origins.end() ? "default" : origin->second).append(")\n");
    };
    for (const auto& row : detail::settings_table())
        line(std::string(row.path), text_of(row, copy));
    for (const auto& [path, origin] : origins)
        if (path.starts_with("kafka.properties."))
            text.append(path).append(" from ").append(origin).append("\n");
    return text;
}

std::string settings::group_of(std::string_view subscription) const {
    return replaced(replaced(kafka.group, "{service}", service), "{subscription}", subscription);
}

broker::source_settings source_settings_of(const settings& from) {
    const kafka_settings& kafka = from.kafka;
    return {.client_id = kafka.client_id.empty() ? from.service : kafka.client_id,
            .reset = kafka.offset_reset,
            .isolation = kafka.isolation,
            .assignor = kafka.assignor,
            .session_timeout = kafka.session_timeout,
            .max_poll_interval = kafka.max_poll_interval,
            .prefetch_records = kafka.prefetch_records,
            .prefetch_kbytes = static_cast<std::uint32_t>(kafka.prefetch_bytes / 1024),
            .properties = kafka.properties};
}

broker::sink_settings sink_settings_of(const settings& from) {
    const produce_settings& produce = from.produce;
    return {.client_id = from.kafka.client_id.empty() ? from.service : from.kafka.client_id,
            .idempotent = produce.idempotent,
            .acks = produce.acks,
            .linger = produce.linger,
            .batch_records = produce.batch_records,
            .batch_bytes = static_cast<std::uint32_t>(produce.batch_bytes),
            .compression = produce.compression,
            .request_timeout = produce.request_timeout,
            .message_timeout = produce.message_timeout,
            .max_record_bytes = static_cast<std::uint32_t>(produce.max_record_bytes),
            .properties = from.kafka.properties};
}

broker::topic_spec topic_spec_of(const topic_settings& from) {
    topic_settings copy = from;
    const auto cleanup =
        std::ranges::find(detail::topic_table(), "cleanup", &detail::setting_row<topic_settings>::path);
    broker::topic_spec spec{.name = topic_name(from.name),
                            .partitions = static_cast<std::int32_t>(from.partitions),
                            .replication = static_cast<std::int32_t>(from.replication),
                            .config = {{"cleanup.policy", text_of(*cleanup, copy)}}};
    if (from.retention) spec.config.emplace("retention.ms", std::to_string(from.retention->count()));
    return spec;
}

void write_settings_reference(std::ostream& out) {
    settings defaults;
    out << "# Settings\n\n"
           "From the YAML file, then from the environment. `${NAME}`, `${NAME:default}` and "
           "`${file:/run/secrets/x}` in a value of\n"
           "the file stand for a variable and for the text of a file. What is not known is refused.\n\n"
           "| setting | type | default | variable | meaning |\n|---|---|---|---|---|\n";
    for (const auto& row : detail::settings_table())
        write_row(out, row, defaults, detail::variable_of(row.path));
    out << "\nA librdkafka property has the variable `" << detail::properties_prefix
        << "<PROPERTY>`, in capitals and with `_` for `.`\n(`sasl.mechanism`: `" << detail::properties_prefix
        << "SASL_MECHANISM`). Lists in a variable are written as in YAML: `[a, b]`.\n\n## Entries of "
           "`topics`\n\n"
           "| member | type | default | meaning |\n|---|---|---|---|\n";
    topic_settings topic;
    for (const auto& row : detail::topic_table())
        write_row(out, row, topic, "");
}

} // namespace corvid

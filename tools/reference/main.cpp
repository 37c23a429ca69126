// SPDX-License-Identifier: Apache-2.0
//
// Prints docs/reference from the tables that the code itself goes by: corvid_reference
// {errors|headers|metrics|settings}. scripts/check_docs compares.
#include <corvid/base/error.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/observe/metric_table.hpp>
#include <corvid/service/settings.hpp>

#include <iostream>
#include <map>
#include <string_view>

namespace {

void write_errors(std::ostream& out) {
    out << "# Errors\n\nA code is stable: it keeps its number and its meaning. `retriable`: try again; "
           "`rejected`: give this record\n"
           "or call up; `fatal`: stop. An error's own message tells the subject and the figures.\n\n"
           "| code | name | kind | what happened | what to do |\n|---|---|---|---|---|\n";
    for (const corvid::error_code_info& row : corvid::error_codes())
        out << "| " << corvid::to_string(row.code) << " | `" << row.name << "` | "
            << corvid::to_string(row.kind) << " | " << row.summary << " | " << row.remedy << " |\n";
}

void write_headers(std::ostream& out) {
    out << "# Record headers\n\nAll values are text. `send` writes none of them unless the message or the "
           "call asks.\n\n"
           "| header | meaning | written |\n|---|---|---|\n";
    for (const corvid::wire::header_info& row : corvid::wire::headers)
        out << "| `" << row.name << "` | " << row.meaning << " | " << row.written << " |\n";
}

void write_metrics(std::ostream& out) {
    out << "# Metrics\n\nServed by `/metrics` in Prometheus' text format. Every series also has the label "
           "`service`. A gauge that is\n"
           "unknown is absent. A metric keeps at most 1000 label sets apart; the rest shares one, "
           "`other`.\n\n"
           "| metric | type | labels | meaning |\n|---|---|---|---|\n";
    for (const corvid::metric_info& row : corvid::metric_table())
        out << "| `" << row.name << "` | " << corvid::to_string(row.type) << " | " << row.labels << " | "
            << row.help << " |\n";
}

} // namespace

int main(int count, char** arguments) {
    const std::map<std::string_view, void (*)(std::ostream&)> references = {
        {"errors", write_errors},
        {"headers", write_headers},
        {"metrics", write_metrics},
        {"settings", corvid::write_settings_reference}};
    const auto wanted = references.find(count == 2 ? arguments[1] : "");
    if (wanted == references.end()) {
        std::cerr << "usage: corvid_reference {errors|headers|metrics|settings}\n";
        return 2;
    }
    wanted->second(std::cout);
    std::cout.flush();
    return std::cout ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/settings_reader.hpp>

#include <corvid/service/detail/setting_text.hpp>
#include <corvid/service/detail/settings_table.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <type_traits>

namespace corvid::detail {

namespace {

/// Where a value is from: a document, or a variable that stands for one value.
struct place {
    std::string_view document;
    std::string_view variable = {};

    [[nodiscard]] std::string of(const YAML::Node& node) const { return at(node.Mark()); }
    [[nodiscard]] std::string at(const YAML::Mark& mark) const {
        if (!variable.empty()) return std::string(variable);
        if (mark.is_null()) return std::string(document);
        return std::string(document) + ':' + std::to_string(mark.line + 1) + ':' +
               std::to_string(mark.column + 1);
    }
};

struct source {
    place where;
    const environment& variables;
    bool expands; // what the environment holds is taken as it is

    [[nodiscard]] std::unexpected<error> fault(errc code, const YAML::Node& node, const std::string& message,
                                               std::string hint = {}) const {
        return fail(code, {.message = where.of(node) + ": " + message,
                           .hint = std::move(hint),
                           .operation = "read settings"});
    }
};

result<std::string> scalar(const source& from, const YAML::Node& node, std::string_view path) {
    if (node.IsNull()) return std::string();
    if (!node.IsScalar())
        return from.fault(errc::invalid_setting, node, std::string(path) + " is a single value");
    if (!from.expands) return node.Scalar();
    auto text = expand(node.Scalar(), from.variables);
    if (!text)
        return from.fault(text.error().code(), node,
                          std::string(path) + ": " + std::string(text.error().message()),
                          std::string(text.error().hint()));
    return text;
}

template <class Owner>
struct assigner {
    const setting_row<Owner>& row;
    Owner& into;
    const source& from;
    const YAML::Node& node;
    std::string_view path;

    [[nodiscard]] result<void> wrong(const std::string& text) const {
        const std::string what = text.empty()           ? "empty"
                                 : is_secret_name(path) ? std::string(redacted)
                                                        : '"' + text.substr(0, 100) + '"';
        return from.fault(errc::invalid_setting, node,
                          std::string(path) + " is " + what + " and should be " + type_of(row),
                          "give " + std::string(path) + ' ' + type_of(row));
    }

    /// Stores what `parse` makes of the text, if it is there and within the limits of the row.
    template <class T, class Parse>
    result<void> checked(member<Owner, T> at, Parse parse) const {
        const auto text = scalar(from, node, path);
        if (!text) return fail(text.error());
        const auto value = parse(*text);
        if (!value) return wrong(*text);
        if constexpr (std::is_same_v<T, std::remove_const_t<decltype(value)>>)
            at(into) = value;
        else
            at(into) = static_cast<T>(*value);
        return {};
    }

    template <class Parse>
    auto within_limits(Parse parse) const {
        return [this, parse](std::string_view text) {
            auto value = parse(text);
            if (value && (as_number(*value) < row.least || as_number(*value) > row.most)) value.reset();
            return value;
        };
    }
    static std::uint64_t as_number(std::uint64_t n) noexcept { return n; }
    static std::uint64_t as_number(std::chrono::milliseconds t) noexcept {
        return static_cast<std::uint64_t>(t.count());
    }

    result<void> operator()(member<Owner, std::string> at) const {
        return checked(at, [this](const std::string& text) {
            return row.names.empty() || std::ranges::find(row.names, text) != row.names.end()
                       ? std::optional(text)
                       : std::nullopt;
        });
    }
    result<void> operator()(member<Owner, secret> at) const {
        return checked(at, [](const std::string& text) { return std::optional(secret(text)); });
    }
    result<void> operator()(member<Owner, bool> at) const {
        return checked(at, [](std::string_view text) {
            return text == "true" || text == "false" ? std::optional(text == "true") : std::nullopt;
        });
    }
    result<void> operator()(member<Owner, std::uint32_t> at) const {
        return checked(at, within_limits(parse_number));
    }
    result<void> operator()(member<Owner, std::uint64_t> at) const {
        return checked(at, within_limits(parse_size));
    }
    result<void> operator()(member<Owner, std::chrono::milliseconds> at) const {
        return checked(at, within_limits(parse_duration));
    }
    result<void> operator()(member<Owner, std::optional<std::chrono::milliseconds>> at) const {
        return checked(at, within_limits(parse_duration));
    }

    result<void> operator()(choice<Owner> at) const {
        const auto text = scalar(from, node, path);
        if (!text) return fail(text.error());
        const auto name = std::ranges::find(row.names, *text);
        if (name == row.names.end()) return wrong(*text);
        at.set(into, static_cast<std::size_t>(name - row.names.begin()));
        return {};
    }

    result<void> operator()(member<Owner, std::map<std::string, std::string>> at) const;
    result<void> operator()(member<Owner, std::vector<std::string>> at) const;
    result<void> operator()(member<Owner, std::vector<topic_settings>> at) const;
};

/// Calls `each(name, key, value)` for the entries of a map, whose keys are texts and stand there once.
template <class Each>
result<void> for_each_entry(const source& from, const YAML::Node& map, std::string_view path, Each each) {
    if (map.IsNull()) return {};
    if (!map.IsMap())
        return from.fault(errc::invalid_setting, map,
                          std::string(path.empty() ? "the document" : path) +
                              " holds names and values (`name: value`)");
    std::set<std::string> seen;
    for (const auto& entry : map) {
        if (!entry.first.IsScalar())
            return from.fault(errc::invalid_setting, entry.first, "a name is a single text");
        const std::string& name = entry.first.Scalar();
        if (!seen.insert(name).second)
            return from.fault(errc::invalid_setting, entry.first, name + " stands here twice",
                              "remove one of them");
        if (auto done = each(name, entry.first, entry.second); !done) return done;
    }
    return {};
}

template <class Owner>
result<void> assign(const setting_row<Owner>& row, Owner& into, const source& from, const YAML::Node& node,
                    std::string_view path) {
    return std::visit(assigner<Owner>{row, into, from, node, path}, row.value);
}

std::unexpected<error> unknown(const source& from, const YAML::Node& at, const std::string& name,
                               std::span<const std::string> known) {
    const std::string offer(nearest(name, known));
    return from.fault(errc::unknown_setting, at, name + " is not known; nearest: " + offer,
                      "remove it, or write " + offer);
}

template <class Owner>
result<void> assigner<Owner>::operator()(member<Owner, std::map<std::string, std::string>> at) const {
    return for_each_entry(from, node, path,
                          [&](const std::string& name, const auto&, const YAML::Node& value) -> result<void> {
                              auto text = scalar(from, value, std::string(path) + '.' + name);
                              if (!text) return fail(text.error());
                              at(into)[name] = *std::move(text);
                              return {};
                          });
}

template <class Owner>
result<void> assigner<Owner>::operator()(member<Owner, std::vector<std::string>> at) const {
    std::vector<std::string> all;
    if (!node.IsNull() && !node.IsSequence())
        return from.fault(errc::invalid_setting, node, std::string(path) + " is a list: [a, b]");
    for (const auto& item : node) {
        auto text = scalar(from, item, path);
        if (!text) return fail(text.error());
        all.push_back(*std::move(text));
    }
    at(into) = std::move(all);
    return {};
}

result<topic_settings> topic_entry(const source& from, const YAML::Node& node, const std::string& path) {
    topic_settings topic;
    auto done = for_each_entry(
        from, node, path,
        [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) -> result<void> {
            const auto row = std::ranges::find(topic_table(), name, &setting_row<topic_settings>::path);
            if (row != topic_table().end()) return assign(*row, topic, from, value, path + '.' + name);
            std::vector<std::string> known;
            for (const auto& each : topic_table())
                known.push_back(path + '.' + std::string(each.path));
            return unknown(from, key, path + '.' + name, known);
        });
    if (!done) return fail(done.error());
    if (topic.name.empty())
        return from.fault(errc::invalid_setting, node, path + " has no name", "give each entry a name");
    return topic;
}

template <class Owner>
result<void> assigner<Owner>::operator()(member<Owner, std::vector<topic_settings>> at) const {
    std::vector<topic_settings> all;
    if (!node.IsNull() && !node.IsSequence())
        return from.fault(errc::invalid_setting, node, std::string(path) + " is a list: [{name: …}, …]");
    for (const auto& item : node) {
        auto topic = topic_entry(from, item, std::string(path) + '[' + std::to_string(all.size()) + ']');
        if (!topic) return fail(topic.error());
        all.push_back(*std::move(topic));
    }
    at(into) = std::move(all);
    return {};
}

/// Every path and every section that begins one.
std::vector<std::string> known_paths() {
    std::set<std::string> all;
    for (const auto& row : settings_table()) {
        all.emplace(row.path);
        if (const std::size_t dot = row.path.find('.'); dot != std::string_view::npos)
            all.emplace(row.path.substr(0, dot));
    }
    return {all.begin(), all.end()};
}

bool is_section(std::string_view path) noexcept {
    return std::ranges::any_of(settings_table(), [&](const auto& row) {
        return row.path.size() > path.size() && row.path.starts_with(path) && row.path[path.size()] == '.';
    });
}

result<void> read_section(settings& into, const source& from, const YAML::Node& section,
                          const std::string& prefix) {
    return for_each_entry(
        from, section, prefix,
        [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) -> result<void> {
            const std::string path = prefix.empty() ? name : prefix + '.' + name;
            const auto row = std::ranges::find(settings_table(), path, &setting_row<settings>::path);
            if (row != settings_table().end()) {
                into.origins.insert_or_assign(
                    path, from.where.of(value.IsDefined() && !value.IsNull() ? value : key));
                return assign(*row, into, from, value, path);
            }
            if (is_section(path)) return read_section(into, from, value, path);
            return unknown(from, key, path, known_paths());
        });
}

/// Notes where documents begin, and nothing else.
class document_starts final : public YAML::EventHandler {
public:
    YAML::Mark last;

    void OnDocumentStart(const YAML::Mark& mark) override { last = mark; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

/// Where a second document begins, or what a first one leaves over. (yaml-cpp's Load ignores it; its LoadAll
/// does not end on a lone `]`.)
std::optional<YAML::Mark> second_document(const std::string& text) {
    std::istringstream in(text);
    YAML::Parser parser(in);
    document_starts starts;
    if (parser.HandleNextDocument(starts) && parser.HandleNextDocument(starts)) return starts.last;
    return std::nullopt;
}

result<YAML::Node> parsed(const source& from, const std::string& text) {
    const auto second = second_document(text);
    if (!second) return YAML::Load(text);
    return fail(errc::invalid_setting,
                {.message = from.where.at(*second) +
                            ": there is text that belongs to no setting, or begins a second document",
                 .hint = "remove it",
                 .operation = "read settings"});
}

/// yaml-cpp's exceptions end here.
template <class Read>
result<void> guarded(const place& where, Read read) {
    try {
        return read();
    } catch (const YAML::Exception& thrown) {
        return fail(errc::settings_unreadable,
                    {.message = where.at(thrown.mark) + ": this is not YAML: " + thrown.msg,
                     .hint =
                         "indent with spaces, close what is open, and quote a value that has a colon at its "
                         "end or before a space",
                     .operation = "read settings"});
    }
}

std::vector<std::string> known_variables() {
    std::vector<std::string> all;
    for (const auto& row : settings_table())
        all.push_back(variable_of(row.path));
    return all;
}

bool is_structured(const setting_row<settings>& row) noexcept {
    return std::holds_alternative<member<settings, std::map<std::string, std::string>>>(row.value) ||
           std::holds_alternative<member<settings, std::vector<std::string>>>(row.value) ||
           std::holds_alternative<member<settings, std::vector<topic_settings>>>(row.value);
}

result<void> read_variable(settings& into, std::string_view name, const std::string& value,
                           const environment& variables) {
    const source from{{.document = {}, .variable = name}, variables, false};
    if (name.starts_with(properties_prefix) && name.size() > properties_prefix.size()) {
        const std::string property = property_of(name.substr(properties_prefix.size()));
        into.kafka.properties[property] = value;
        into.origins.insert_or_assign("kafka.properties." + property, std::string(name));
        return {};
    }
    const auto row = std::ranges::find_if(settings_table(),
                                          [&](const auto& each) { return variable_of(each.path) == name; });
    if (row == settings_table().end())
        return unknown(from, YAML::Node(), std::string(name), known_variables());
    into.origins.insert_or_assign(std::string(row->path), std::string(name));
    const auto node = is_structured(*row) ? parsed(from, value) : result<YAML::Node>(YAML::Node(value));
    return node ? assign(*row, into, from, *node, row->path) : result<void>(fail(node.error()));
}

} // namespace

result<void> read_yaml(settings& into, std::string_view yaml, std::string_view name,
                       const environment& variables) {
    const source from{{.document = name}, variables, true};
    return guarded(from.where, [&]() -> result<void> {
        const auto document = parsed(from, std::string(yaml));
        return document ? read_section(into, from, *document, "") : result<void>(fail(document.error()));
    });
}

result<void> read_environment(settings& into, const environment& variables) {
    for (auto each = variables.lower_bound("CORVID_");
         each != variables.end() && each->first.starts_with("CORVID_"); ++each) {
        if (is_tool_variable(each->first)) continue;
        const place where{.document = {}, .variable = each->first};
        auto done = guarded(where, [&] { return read_variable(into, each->first, each->second, variables); });
        if (!done) return done;
    }
    return {};
}

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/setting_text.hpp>
#include <corvid/service/detail/settings_table.hpp>

namespace corvid::detail {

namespace {

std::string joined(std::span<const std::string_view> names) {
    std::string all;
    for (std::string_view name : names)
        all.append(all.empty() ? "" : ", ").append(name);
    return all;
}

template <class Owner>
struct printer {
    const setting_row<Owner>& row;
    Owner& of;

    std::string operator()(member<Owner, std::string> at) const { return at(of); }
    std::string operator()(member<Owner, secret> at) const {
        return at(of).empty() ? "" : std::string(redacted);
    }
    std::string operator()(member<Owner, bool> at) const { return at(of) ? "true" : "false"; }
    std::string operator()(member<Owner, std::uint32_t> at) const { return std::to_string(at(of)); }
    std::string operator()(member<Owner, std::uint64_t> at) const { return size_text(at(of)); }
    std::string operator()(member<Owner, std::chrono::milliseconds> at) const {
        return duration_text(at(of));
    }
    std::string operator()(member<Owner, std::optional<std::chrono::milliseconds>> at) const {
        return at(of) ? duration_text(*at(of)) : "";
    }
    std::string operator()(choice<Owner> at) const {
        const std::size_t index = at.get(of);
        return index < row.names.size() ? std::string(row.names[index]) : std::to_string(index);
    }
    std::string operator()(member<Owner, std::map<std::string, std::string>> at) const {
        std::string all;
        for (const auto& [name, value] : at(of)) {
            all.append(all.empty() ? "" : ", ").append(name).append(": ");
            all.append(is_secret_name(name) ? std::string(redacted) : redact(value));
        }
        return "{" + all + "}";
    }
    std::string operator()(member<Owner, std::vector<std::string>> at) const {
        std::string all;
        for (const std::string& each : at(of))
            all.append(all.empty() ? "" : ", ").append(each);
        return "[" + all + "]";
    }
    std::string operator()(member<Owner, std::vector<topic_settings>> at) const {
        std::string all;
        for (topic_settings& each : at(of))
            all.append(all.empty() ? "" : ", ").append(entry(each));
        return "[" + all + "]";
    }

    static std::string entry(topic_settings& topic) {
        std::string all;
        for (const auto& each : topic_table()) {
            const std::string text = text_of(each, topic);
            if (!text.empty())
                all.append(all.empty() ? "" : ", ").append(each.path).append(": ").append(text);
        }
        return "{" + all + "}";
    }
};

template <class Owner>
struct namer {
    const setting_row<Owner>& row;

    std::string operator()(member<Owner, std::string>) const {
        return row.names.empty() ? "text" : "one of: " + joined(row.names);
    }
    std::string operator()(member<Owner, secret>) const { return "secret text"; }
    std::string operator()(member<Owner, bool>) const { return "true or false"; }
    std::string operator()(member<Owner, std::uint32_t>) const {
        return "a number from " + std::to_string(row.least) + " to " + std::to_string(row.most);
    }
    std::string operator()(member<Owner, std::uint64_t>) const {
        return "a size from " + size_text(row.least) + " to " + size_text(row.most) + ", such as 512KiB";
    }
    std::string operator()(member<Owner, std::chrono::milliseconds>) const {
        const auto text = [](std::uint64_t ms) { return duration_text(std::chrono::milliseconds(ms)); };
        return "a duration from " + text(row.least) + " to " + text(row.most) + ", such as 200ms, 5s";
    }
    std::string operator()(member<Owner, std::optional<std::chrono::milliseconds>>) const {
        return "a duration, such as 12h, 7d";
    }
    std::string operator()(choice<Owner>) const { return "one of: " + joined(row.names); }
    std::string operator()(member<Owner, std::map<std::string, std::string>>) const {
        return "names and texts";
    }
    std::string operator()(member<Owner, std::vector<std::string>>) const { return "a list of texts"; }
    std::string operator()(member<Owner, std::vector<topic_settings>>) const { return "a list of entries"; }
};

} // namespace

template <class Owner>
std::string text_of(const setting_row<Owner>& row, Owner& of) {
    return std::visit(printer<Owner>{row, of}, row.value);
}

template <class Owner>
std::string type_of(const setting_row<Owner>& row) {
    return std::visit(namer<Owner>{row}, row.value);
}

template std::string text_of(const setting_row<settings>&, settings&);
template std::string text_of(const setting_row<topic_settings>&, topic_settings&);
template std::string type_of(const setting_row<settings>&);
template std::string type_of(const setting_row<topic_settings>&);

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/headers.hpp>

#include <algorithm>

namespace corvid {

std::optional<std::string_view> find_header(std::span<const header_view> list,
                                            std::string_view name) noexcept {
    for (auto h = list.rbegin(); h != list.rend(); ++h)
        if (h->name == name) return h->value ? std::optional(h->value.text()) : std::nullopt;
    return std::nullopt;
}

headers::headers(std::span<const header_view> list) {
    entries_.reserve(list.size());
    for (const auto& h : list)
        entries_.push_back(
            {std::string(h.name), h.value ? std::optional(std::string(h.value.text())) : std::nullopt});
}

headers& headers::add(std::string_view name, std::string_view value) {
    entries_.push_back({std::string(name), std::string(value)});
    return *this;
}

headers& headers::add(std::string_view name, bytes_view value) { return add(name, as_text(value)); }

headers& headers::add_null(std::string_view name) {
    entries_.push_back({std::string(name), std::nullopt});
    return *this;
}

headers& headers::remove(std::string_view name) {
    std::erase_if(entries_, [&](const entry& e) { return e.name == name; });
    return *this;
}

std::optional<std::string_view> headers::find(std::string_view name) const noexcept {
    for (auto e = entries_.rbegin(); e != entries_.rend(); ++e)
        if (e->name == name) return e->value ? std::optional(std::string_view(*e->value)) : std::nullopt;
    return std::nullopt;
}

header_list headers::view() const {
    header_list list;
    list.reserve(entries_.size());
    for (const auto& e : entries_)
        list.push_back({e.name, e.value ? optional_bytes(std::string_view(*e.value)) : optional_bytes()});
    return list;
}

} // namespace corvid

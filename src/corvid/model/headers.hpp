// SPDX-License-Identifier: Apache-2.0
//
// Headers of a record: an ordered list of names and bytes; a name may repeat, a value may be null.
// header_view and header_list borrow; headers owns.
#pragma once

#include <corvid/model/bytes.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

struct header_view {
    std::string_view name;
    optional_bytes value; ///< null is not the same as empty
};

/// Headers of one record, borrowed from its batch: valid as long as that lives.
using header_list = std::vector<header_view>;

/// The last value under `name` (Kafka's rule: the last one counts), as text; none if absent or null.
[[nodiscard]] std::optional<std::string_view> find_header(std::span<const header_view> list,
                                                          std::string_view name) noexcept;

/// Headers that own their bytes, for records that outlive their batch and for those about to be sent.
class headers {
public:
    headers() = default;
    explicit headers(std::span<const header_view> list);

    headers& add(std::string_view name, std::string_view value);
    headers& add(std::string_view name, bytes_view value);
    headers& add_null(std::string_view name);
    headers& remove(std::string_view name); ///< every one of that name

    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// Views into this object, valid until it changes.
    [[nodiscard]] header_list view() const;
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    bool operator==(const headers&) const = default;

private:
    struct entry {
        std::string name;
        std::optional<std::string> value;
        bool operator==(const entry&) const = default;
    };
    std::vector<entry> entries_;
};

} // namespace corvid

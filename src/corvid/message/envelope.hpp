// SPDX-License-Identifier: Apache-2.0
//
// received<T>: a decoded message together with the record it came in. A view: it borrows the message and the
// batch, both of which live until the handler's task is complete; handlers may keep it across co_await, never
// beyond.
#pragma once

#include <corvid/message/traits.hpp>
#include <corvid/message/wire_names.hpp>
#include <corvid/model/record.hpp>

#include <optional>
#include <string_view>

namespace corvid {

/// Where a message came from: the record and what only its batch knows. Trivially copyable; borrows all of
/// it.
struct record_origin {
    std::string_view topic;
    partition_id where;
    const record* source = nullptr;
    const record_batch* batch = nullptr;      ///< whose headers are parsed only when they are asked for …
    const header_list* own_headers = nullptr; ///< … unless the record was copied: then its own

    [[nodiscard]] header_list its_headers() const {
        if (own_headers) return *own_headers;
        return batch && source ? batch->headers_of(*source) : header_list{};
    }
};

template <Message T>
class received {
public:
    /// `message` is null for a tombstone (a record without value).
    received(const T* message, record_origin origin) noexcept : message_(message), origin_(origin) {}

    /// A record without value: there is a key and metadata, and no message.
    [[nodiscard]] bool is_tombstone() const noexcept { return message_ == nullptr; }
    /// Precondition: no tombstone.
    [[nodiscard]] const T& message() const noexcept { return *message_; }
    const T& operator*() const noexcept { return *message_; }
    const T* operator->() const noexcept { return message_; }

    [[nodiscard]] std::string_view topic() const noexcept { return origin_.topic; }
    [[nodiscard]] partition_id partition() const noexcept { return origin_.where; }
    [[nodiscard]] corvid::offset offset() const noexcept { return corvid::offset(origin_.source->offset); }
    [[nodiscard]] optional_bytes key() const noexcept { return origin_.source->key; }
    /// The record's, as the broker keeps it: when it was sent, unless the topic says LogAppendTime.
    [[nodiscard]] wall_time timestamp() const noexcept { return origin_.source->time(); }

    /// Parsed at each call (seven allocations for three headers): keep the list if you need it twice.
    [[nodiscard]] header_list headers() const { return origin_.its_headers(); }
    /// The last header of that name as text; the names that corvid writes are in wire_names.hpp.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        const header_list list = origin_.its_headers();
        return find_header(list, name);
    }
    [[nodiscard]] const record_origin& origin() const noexcept { return origin_; }

private:
    const T* message_;
    record_origin origin_;
};

} // namespace corvid

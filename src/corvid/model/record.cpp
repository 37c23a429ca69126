// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/record.hpp>

namespace corvid {

owned_record::owned_record(topic_partition where, const record& from,
                           std::span<const header_view> its_headers)
    : where_(std::move(where)),
      headers_(its_headers),
      key_size_(from.key.size()),
      has_key_(from.key.has_value()),
      has_value_(from.value.has_value()),
      offset_(from.offset),
      timestamp_(from.timestamp) {
    buffer_.reserve(from.key.size() + from.value.size());
    buffer_.append(from.key.text()).append(from.value.text());
}

record owned_record::view() const noexcept {
    const std::string_view all = buffer_;
    return {.key = has_key_ ? optional_bytes(all.substr(0, key_size_)) : optional_bytes(),
            .value = has_value_ ? optional_bytes(all.substr(key_size_)) : optional_bytes(),
            .offset = offset_,
            .timestamp = timestamp_};
}

} // namespace corvid

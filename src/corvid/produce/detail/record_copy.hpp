// SPDX-License-Identifier: Apache-2.0
//
// record_copy: a record's bytes for the time in which it waits for credit, so that a send borrows nothing
// once it has started.
#pragma once

#include <corvid/broker/record_sink.hpp>

#include <cstring>
#include <vector>

namespace corvid::detail {

class record_copy {
public:
    /// From here on `record` points into this copy, also after a move.
    explicit record_copy(broker::outgoing& record) {
        std::size_t size = record.bytes();
        for (const header_view& each : record.headers)
            size += each.name.size() + each.value.size();
        bytes_.reserve(size); // nothing moves below
        headers_.assign(record.headers.begin(), record.headers.end());
        record.key = keep(record.key);
        record.value = keep(record.value);
        for (header_view& each : headers_) {
            each.name = as_text(keep(as_bytes(each.name)).bytes());
            each.value = keep(each.value);
        }
        record.headers = headers_;
    }

private:
    optional_bytes keep(const optional_bytes& bytes) {
        if (!bytes) return bytes;
        const std::size_t at = bytes_.size();
        bytes_.insert(bytes_.end(), bytes.bytes().begin(), bytes.bytes().end());
        return bytes_view(bytes_.data() + at, bytes.size());
    }

    std::vector<std::byte> bytes_;
    header_list headers_;
};

} // namespace corvid::detail

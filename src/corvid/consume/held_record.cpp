// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/held_record.hpp>

#include <corvid/base/operation.hpp>
#include <corvid/consume/shapes/publish_tally.hpp>

#include <cstring>
#include <new>

namespace corvid {

namespace {

std::size_t bytes_of(const record& from, const header_list& its_headers, const optional_bytes* lane_key) {
    std::size_t sum = from.key.size() + from.value.size() + (lane_key ? lane_key->size() : 0);
    for (const header_view& header : its_headers)
        sum += header.name.size() + header.value.size();
    return sum;
}

/// Puts copies one behind the other.
class writer {
public:
    explicit writer(std::byte* at) noexcept : at_(at) {}
    bytes_view put(bytes_view what) noexcept {
        std::byte* const begin = at_;
        if (!what.empty()) std::memcpy(begin, what.data(), what.size());
        at_ += what.size();
        return {begin, what.size()};
    }
    optional_bytes put(const optional_bytes& what) noexcept {
        return what ? optional_bytes(put(what.bytes())) : optional_bytes();
    }

private:
    std::byte* at_;
};

} // namespace

held_record::owner held_record::copy(const record& from, const header_list& its_headers,
                                     const optional_bytes* lane_key) {
    const std::size_t block = sizeof(held_record) + bytes_of(from, its_headers, lane_key);
    void* const memory = detail::pool_allocate(block);
    owner made(::new (memory) held_record);
    made->block_ = block;
    writer to(static_cast<std::byte*>(memory) + sizeof(held_record));
    // Nothing is read back: what was just stored has not reached the cache yet, where its line was not in it.
    const optional_bytes key = to.put(from.key), value = to.put(from.value);
    made->what_ = {.key = key, .value = value, .offset = from.offset, .timestamp = from.timestamp};
    if (!its_headers.empty()) {
        made->headers_.reserve(its_headers.size());
        for (const header_view& header : its_headers)
            made->headers_.push_back({as_text(to.put(as_bytes(header.name))), to.put(header.value)});
    }
    made->offset = from.offset;
    made->key = lane_key ? to.put(*lane_key) : key;
    made->bytes =
        static_cast<std::uint32_t>(block + sizeof(record_failure)); // as much as it may come to hold
    return made;
}

void held_record::deleter::operator()(held_record* r) const noexcept {
    const std::size_t block = r->block_;
    if (r->kept) [[unlikely]]
        r->kept->leave();
    r->~held_record();
    detail::pool_free(r, block);
}

const record_failure& held_record::failure() const noexcept {
    static const record_failure none(nullptr);
    return failure_ ? *failure_ : none;
}

record_failure& held_record::note_failure() {
    if (!failure_) failure_ = std::make_unique<record_failure>(this);
    return *failure_;
}

std::uint64_t lane_number(const lane_record& what, order how) noexcept {
    std::uint64_t number = (std::uint64_t{what.scope} + 1) * 0x9e3779b97f4a7c15U;
    if (how == unordered) return number ^ (static_cast<std::uint64_t>(what.offset) + 1);
    if (how == by_key && what.key) return number ^ what.hash;
    return (std::uint64_t{what.from.partition} + 1) * 0x9e3779b97f4a7c15U;
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// record_bundle: small plain records, copied, on their way to a sink together. That saves each of them two
// readings of the clock, a lock, and the coming and going between our code and the client's.
#pragma once

#include <corvid/broker/record_sink.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace corvid::detail {

class record_bundle {
public:
    static constexpr std::size_t most_records = 64;
    static constexpr std::size_t most_bytes = 16'384;
    static constexpr std::size_t largest_record = 1'024;

    [[nodiscard]] static bool takes(const broker::outgoing& record) noexcept {
        return record.bytes() <= largest_record && record.headers.empty() && record.timestamp < 0;
    }
    [[nodiscard]] bool has_room(const broker::record_sink& to,
                                const broker::outgoing& record) const noexcept {
        return count_ == 0 || (to_ == &to && count_ < most_records && used_ + record.bytes() <= most_bytes);
    }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    /// Precondition: it takes() the record and has_room() for it.
    void add(broker::record_sink& to, const broker::outgoing& record) noexcept {
        to_ = &to;
        broker::outgoing& kept = records_[count_++];
        kept = record;
        kept.key = keep(record.key);
        kept.value = keep(record.value);
    }

    /// Empties it. What is returned points to records that stay in place until the next add().
    [[nodiscard]] std::vector<broker::record_sink::refusal> hand_over() noexcept {
        const auto all = std::span(records_).first(count_);
        count_ = used_ = 0;
        if (all.empty()) return {};
        return to_->send_all(all);
    }

private:
    [[nodiscard]] optional_bytes keep(const optional_bytes& bytes) noexcept {
        if (!bytes) return bytes;
        std::byte* const at = bytes_.data() + used_;
        if (bytes.size() > 0) std::memcpy(at, bytes.data(), bytes.size());
        used_ += bytes.size();
        return bytes_view(at, bytes.size());
    }

    broker::record_sink* to_ = nullptr;
    std::size_t count_ = 0;
    std::size_t used_ = 0;
    std::array<broker::outgoing, most_records> records_;
    std::array<std::byte, most_bytes> bytes_;
};

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/byte_buffer.hpp>

#include <algorithm>

namespace corvid {

void byte_buffer::grow(std::size_t count) {
    const std::size_t wanted = std::max({std::size_t{256}, capacity_ * 2, size_ + count});
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
}

} // namespace corvid

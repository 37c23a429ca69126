// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/json.hpp>

#include <bench/serde/shapes.hpp>

namespace corvid::bench {

namespace {

template <class T>
class by_corvid final : public codec<T> {
    bool read(std::string_view text, T& to) override { return json::decode(as_bytes(text), to).has_value(); }
    bool write(const T& from, std::string& to) override {
        buffer_.clear();
        if (!json::encode(from, buffer_)) return false;
        to.assign(buffer_.text());
        return true;
    }
    byte_buffer buffer_;
};

} // namespace

template <class T>
std::unique_ptr<codec<T>> corvid_codec() {
    return std::make_unique<by_corvid<T>>();
}
template std::unique_ptr<codec<flight>> corvid_codec();
template std::unique_ptr<codec<booking>> corvid_codec();

} // namespace corvid::bench

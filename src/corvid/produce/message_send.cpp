// SPDX-License-Identifier: Apache-2.0
#include <corvid/produce/message_send.hpp>

#include <corvid/base/ids.hpp>
#include <corvid/base/random.hpp>

#include <atomic>
#include <vector>

namespace corvid::detail {

namespace {

constexpr std::size_t kept_buffers = 64;
constexpr std::size_t largest_kept = 65'536;

thread_local std::vector<byte_buffer> free_buffers;

} // namespace

encoded_message::encoded_message() {
    if (free_buffers.empty()) return;
    buffer_ = std::move(free_buffers.back());
    free_buffers.pop_back();
}

void encoded_message::give_buffer(byte_buffer buffer) noexcept {
    if (free_buffers.size() >= kept_buffers || buffer.capacity() > largest_kept) return;
    buffer.clear();
    if (free_buffers.capacity() == 0) free_buffers.reserve(kept_buffers);
    free_buffers.push_back(std::move(buffer));
}

std::string& encoded_message::scratch() noexcept {
    thread_local std::string text;
    return text;
}

error encoded_message::located(const error& why, std::string_view topic) {
    error_details d = why.details();
    d.operation = "encode";
    d.topic = topic;
    return error(why.code(), std::move(d));
}

void encoded_message::append_key(std::string_view key) {
    buffer_.append(key);
    key_ = key.size();
    has_key_ = true;
}

void encoded_message::append_id(std::string_view id) {
    buffer_.append(id);
    id_ = id.size();
}

void encoded_message::append_fresh_id(scheduler& clock) {
    thread_local id_generator generator(entropy_seed());
    append_id(to_string(generator.uuid7(clock.wall_now())));
}

send_options encoded_message::options(const send_options& given) {
    send_options all = given;
    std::size_t count = 0;
    if (!version_.empty()) own_[count++] = {wire::event_version, optional_bytes(version_)};
    if (!type_.empty()) own_[count++] = {wire::event_type, optional_bytes(type_)};
    if (id_ > 0)
        own_[count++] = {wire::idempotency_key, optional_bytes(buffer_.text().substr(value_ + key_, id_))};
    if (count == 0) return all;
    all.headers = std::span(own_).first(count);
    if (given.headers.empty()) return all;
    merged_.assign(all.headers.begin(), all.headers.end());
    merged_.insert(merged_.end(), given.headers.begin(), given.headers.end());
    all.headers = merged_;
    return all;
}

std::size_t next_type_index() noexcept {
    static std::atomic<std::size_t> count{0};
    return count.fetch_add(1, std::memory_order_relaxed);
}

} // namespace corvid::detail

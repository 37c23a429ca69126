// SPDX-License-Identifier: Apache-2.0
// What is sent, and what came of it: the part of relay_loop around lanes and publisher.
#include <corvid/base/post_call.hpp>
#include <corvid/outbox/relay/relay_loop.hpp>
#include <corvid/serde/json/json.hpp>

namespace corvid::outbox_detail {

namespace {

constexpr int rows_a_turn = 128;

} // namespace

void relay_loop::send_ready() noexcept {
    if (!std::exchange(sending_.posted, true)) db_.loop().post(sending_);
}

void relay_loop::send_some() noexcept {
    sending_.posted = false;
    if (closing_) return;
    const steady_time now = db_.loop().steady_now();
    for (int count = 0; count < rows_a_turn; ++count) {
        const auto ready = lanes_.next(now);
        if (!ready) return;
        send(ready->token, *ready->row);
    }
    send_ready();
}

void relay_loop::send(std::uint64_t token, const relay_row& row) {
    const auto came = [self = shared_from_this(), token](result<delivery> at) {
        self->answered(token, std::move(at));
    };
    auto topic = topics_.find(row.topic);
    if (topic == topics_.end()) {
        auto named = topic_name::checked(unchecked(row.topic));
        if (!named) return came(fail(std::move(named.error())));
        auto found = out_.topic(*named);
        if (!found) return came(fail(std::move(found.error())));
        topic = topics_.emplace(row.topic, *found).first;
    }
    if (auto read = read_headers(row.headers); !read) return came(fail(std::move(read.error())));
    const auto bytes = [](const std::optional<std::string>& of) {
        return of ? optional_bytes(*of) : optional_bytes();
    };
    out_.send(*topic->second, bytes(row.key), bytes(row.payload),
              {.timestamp = row.created_at, .headers = header_views_}, came);
}

// Into strings that keep their room from row to row.
result<void> relay_loop::read_headers(std::string_view text) {
    json::reader in(text);
    std::size_t count = 0;
    bool fine = in.begin_object();
    while (fine && in.next_key()) {
        if (count == header_texts_.size()) header_texts_.emplace_back();
        auto& [name, value] = header_texts_[count];
        name = in.key();
        std::string_view found;
        fine = in.read_text(found);
        value = found;
        ++count;
    }
    if (in.failed() || !in.end()) return fail(in.why());
    header_views_.clear();
    for (std::size_t i = 0; i < count; ++i)
        header_views_.push_back({header_texts_[i].first, optional_bytes(header_texts_[i].second)});
    return {};
}

// On the delivery loop, or here where it was refused at once. The producer may outlive the database.
void relay_loop::answered(std::uint64_t token, result<delivery> came) {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    answers_.push_back({token, came ? std::nullopt : std::optional(std::move(came.error()))});
    if (answers_.size() == 1) post_call(db_.loop(), [self = shared_from_this()] { self->take_answers(); });
}

void relay_loop::take_answers() {
    std::vector<answer> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(answers_);
    }
    for (const answer& each : all)
        settle(each);
    send_ready();
    if (more_ || look_now_ || is_due(look_at_)) looker_.wake();
    if (has_to_save() || lanes_.due()) worker_.wake();
}

void relay_loop::arrived(const relay_row& row) {
    figures_.published.add();
    if (row.from_parked) {
        parked_.sent.push_back(tables_.seq_of(row.shard, row.number));
        return;
    }
    held& its = shards_.at(row.shard);
    if (settings_.mark_rows) published_.push_back(tables_.seq_of(row.shard, row.number));
    its.position.done(row.number);
    its.changed = true;
}

void relay_loop::settle(const answer& came) {
    const relay_row* const row = lanes_.find(came.token);
    if (!row) return;
    const bool poison = came.failed && came.failed->kind() == error_kind::rejected &&
                        came.failed->code() != errc::producer_closed && came.failed->code() != errc::stopped;
    if (came.failed && !poison) {
        figures_.failed.add();
        return lanes_.failed(came.token, db_.loop().steady_now(), random_.uniform());
    }
    if (poison)
        refuse(*row, *came.failed);
    else
        arrived(*row);
    static_cast<void>(lanes_.finished(came.token));
}

} // namespace corvid::outbox_detail

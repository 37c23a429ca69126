// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/committer.hpp>

#include <corvid/kafka/detail/error_map.hpp>

#include <algorithm>
#include <cstring>

namespace corvid::kafka {
namespace {

using broker::committed_offset;
using broker::offset_request;

/// librdkafka frees it with the list. On 2.0.2 metadata with zero bytes in it is mishandled, so it ends at
/// the first.
void set_metadata(rd_kafka_t* client, rd_kafka_topic_partition_t& of, const std::string& text) {
    const std::size_t size = std::min(text.find('\0'), text.size());
    if (size == 0) return;
    of.metadata = rd_kafka_mem_malloc(client, size);
    of.metadata_size = size;
    std::memcpy(of.metadata, text.data(), size);
}

error_details subject(const committed_offset& of) {
    return {.topic = of.where.topic.str(), .partition = of.where.partition.value};
}

partitions_handle list_of(rd_kafka_t* client, const offset_request& request, bool with_offsets) {
    partitions_handle list(rd_kafka_topic_partition_list_new(static_cast<int>(request.offsets.size())));
    for (const committed_offset& one : request.offsets) {
        if (with_offsets && (!one.next || one.failure)) continue;
        auto& added = *rd_kafka_topic_partition_list_add(list.get(), one.where.topic.c_str(),
                                                         one.where.partition.value);
        if (!with_offsets) continue;
        added.offset = one.next->value;
        set_metadata(client, added, one.metadata);
    }
    return list;
}

const rd_kafka_topic_partition_t* find(const rd_kafka_topic_partition_list_t* list,
                                       const topic_partition& where) {
    if (!list) return nullptr;
    return rd_kafka_topic_partition_list_find(list, where.topic.c_str(), where.partition.value);
}

void read_commit(rd_kafka_event_t* event, offset_request& request) {
    const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
    bool told = false;
    for (committed_offset& one : request.offsets)
        if (const auto* found = find(list, one.where); found && found->err) {
            one.failure = commit_error(found->err, subject(one));
            told = true;
        }
    if (const rd_kafka_resp_err_t native = rd_kafka_event_error(event); native && !told)
        request.failure = commit_error(native);
}

void read_partitions(const rd_kafka_topic_partition_list_t* list, offset_request& request) {
    for (committed_offset& one : request.offsets) {
        const auto* found = find(list, one.where);
        if (!found) continue;
        if (found->err) one.failure = make_error(found->err, {}, subject(one));
        if (found->err || found->offset < 0) continue;
        one.next = offset(found->offset);
        one.metadata.assign(static_cast<const char*>(found->metadata), found->metadata_size);
    }
}

void read_committed_offsets(rd_kafka_event_t* event, offset_request& request) {
    const error_details details{.operation = "read committed offsets"};
    if (const rd_kafka_resp_err_t native = rd_kafka_event_error(event)) {
        request.failure = make_error(native, rd_kafka_event_error_string(event), details);
        return;
    }
    std::size_t count = 0;
    const auto* all = rd_kafka_event_ListConsumerGroupOffsets_result(event);
    const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(all, &count);
    for (std::size_t i = 0; i < count; ++i) {
        if (const rd_kafka_error_t* why = rd_kafka_group_result_error(groups[i]))
            request.failure = make_error(rd_kafka_error_code(why), rd_kafka_error_string(why), details);
        else
            read_partitions(rd_kafka_group_result_partitions(groups[i]), request);
    }
}

} // namespace

committer::committer(client_handle client, scheduler& loop, std::string group, bool stable)
    : client_(std::move(client)),
      loop_(loop),
      group_(std::move(group)),
      stable_(stable),
      queue_(rd_kafka_queue_new(client_->get())),
      bridge_(loop, [](void* self) noexcept { static_cast<committer*>(self)->serve(); }, this) {
    bridge_.attach(queue_.get());
}

committer::~committer() { end(); }

void committer::end() noexcept {
    if (ended_) return;
    event_bridge::detach(queue_.get());
    serve();
    ended_ = true;
    owned_.clear();
    while (!waiting_.empty()) {
        waiting_.back()->failure =
            error(errc::stopped, {.message = "the source was closed before the broker answered"});
        finish(*waiting_.back());
    }
}

void committer::refuse_foreign(offset_request& request) const {
    for (committed_offset& one : request.offsets)
        if (!owned_.contains(one.where)) {
            error_details details = subject(one);
            details.operation = "commit";
            details.message = "this member does not own the partition";
            one.failure = error(errc::assignment_lost, std::move(details));
        }
}

void committer::commit(offset_request& request) {
    waiting_.push_back(&request);
    refuse_foreign(request);
    const partitions_handle list = list_of(client_->get(), request, true);
    if (list->cnt == 0) return finish(request);
    if (const rd_kafka_resp_err_t native =
            rd_kafka_commit_queue(client_->get(), list.get(), queue_.get(), nullptr, &request)) {
        request.failure = commit_error(native);
        finish(request);
    }
}

void committer::committed(offset_request& request) {
    waiting_.push_back(&request);
    if (ended_) request.failure = error(errc::stopped, {.message = "the source is closed"});
    if (ended_ || request.offsets.empty()) return finish(request);
    constexpr int timeout_ms = 10'000;
    const partitions_handle list = list_of(client_->get(), request, false);
    const list_offsets_handle asked(rd_kafka_ListConsumerGroupOffsets_new(group_.c_str(), list.get()));
    const admin_options_handle options(
        rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, nullptr, 0);
    const error_handle ignored(
        rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), stable_ ? 1 : 0));
    rd_kafka_AdminOptions_set_opaque(options.get(), &request);
    rd_kafka_ListConsumerGroupOffsets_t* one = asked.get();
    rd_kafka_ListConsumerGroupOffsets(client_->get(), &one, 1, options.get(), queue_.get());
}

void committer::serve() noexcept {
    while (const event_handle event{rd_kafka_queue_poll(queue_.get(), 0)})
        answer(event.get());
}

void committer::answer(rd_kafka_event_t* event) {
    auto* request = static_cast<offset_request*>(rd_kafka_event_opaque(event));
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        read_commit(event, *request);
        break;
    case RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT:
        read_committed_offsets(event, *request);
        break;
    default:
        return;
    }
    finish(*request);
}

void committer::finish(offset_request& request) noexcept {
    std::erase(waiting_, &request);
    loop_.post(request);
}

} // namespace corvid::kafka

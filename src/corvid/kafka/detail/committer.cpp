// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/committer.hpp>

#include <corvid/kafka/detail/error_map.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

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

} // namespace

/// Where answers find their committer, or that nobody wants them any more.
struct committer::address {
    explicit address(committer& whose) noexcept : owner(&whose) {}
    std::mutex mutex; // owner: the helper posts to its loop, which lives as long as it
    committer* owner;
};

/// One question for committed offsets. rd_kafka_committed() blocks, so a helper's loop asks: the one where
/// clients are destroyed. It goes on asking for as long as the broker is away, in pieces, so that whoever
/// closes waits for no more than one. (The Admin API's form does not block, but on 2.0.2 it can abort the
/// process where the broker goes away meanwhile, #4605.)
struct committer::inquiry : work {
    inquiry(client_handle c, std::shared_ptr<address> h, offset_request& asked, partitions_handle l) noexcept
        : work(&inquiry::ask), client(std::move(c)), home(std::move(h)), request(asked), list(std::move(l)) {}

    [[nodiscard]] bool is_wanted() const {
        const std::lock_guard lock(home->mutex);
        return home->owner != nullptr;
    }
    static void ask(work& node) noexcept {
        std::unique_ptr<inquiry> me(&static_cast<inquiry&>(node));
        constexpr int pieces = 5;
        constexpr int piece_ms = 2'000;
        me->outcome = RD_KAFKA_RESP_ERR__TIMED_OUT;
        for (int i = 0; i < pieces && me->outcome == RD_KAFKA_RESP_ERR__TIMED_OUT && me->is_wanted(); ++i)
            me->outcome = rd_kafka_committed(me->client->get(), me->list.get(), piece_ms);
        me->run = &inquiry::land;
        const std::shared_ptr<address> home = me->home;
        const std::lock_guard lock(home->mutex);
        if (home->owner) home->owner->loop_.post(*me.release());
    }
    static void land(work& node) noexcept {
        const std::unique_ptr<inquiry> me(&static_cast<inquiry&>(node));
        if (me->home->owner) me->home->owner->landed(*me); // it changes on this loop alone
    }

    client_handle client;
    std::shared_ptr<address> home;
    offset_request& request;
    partitions_handle list;
    rd_kafka_resp_err_t outcome{};
};

committer::committer(client_handle client, scheduler& loop)
    : client_(std::move(client)),
      loop_(loop),
      queue_(rd_kafka_queue_new(client_->get())),
      home_(std::make_shared<address>(*this)),
      bridge_(loop, [](void* self) noexcept { static_cast<committer*>(self)->serve(); }, this) {
    bridge_.attach(queue_.get());
}

committer::~committer() { end(); }

void committer::end() noexcept {
    if (ended_) return;
    event_bridge::detach(queue_.get());
    serve();
    ended_ = true;
    {
        const std::lock_guard lock(home_->mutex);
        home_->owner = nullptr;
    }
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
    client_->closing().loop().post(
        *new inquiry(client_, home_, request, list_of(client_->get(), request, false)));
}

void committer::landed(const inquiry& answered) noexcept {
    offset_request& request = answered.request;
    if (answered.outcome == RD_KAFKA_RESP_ERR_NO_ERROR)
        read_partitions(answered.list.get(), request);
    else
        request.failure = make_error(answered.outcome, {}, {.operation = "read committed offsets"});
    finish(request);
}

void committer::serve() noexcept {
    while (const event_handle event{rd_kafka_queue_poll(queue_.get(), 0)})
        answer(event.get());
}

void committer::answer(rd_kafka_event_t* event) {
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_OFFSET_COMMIT) return;
    auto* request = static_cast<offset_request*>(rd_kafka_event_opaque(event));
    read_commit(event, *request);
    finish(*request);
}

void committer::finish(offset_request& request) noexcept {
    std::erase(waiting_, &request);
    loop_.post(request);
}

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
//
// committer: broker::offset_committer on a consumer client. Answers come as events on a queue of its own, so
// that they arrive also while a rebalance is held.
#pragma once

#include <corvid/broker/offset_committer.hpp>
#include <corvid/kafka/detail/client.hpp>
#include <corvid/kafka/detail/event_bridge.hpp>

#include <memory>
#include <unordered_set>
#include <vector>

namespace corvid::kafka {

class committer final : public broker::offset_committer {
public:
    committer(client_handle client, scheduler& loop);
    ~committer() override;
    committer(const committer&) = delete;
    committer& operator=(const committer&) = delete;

    void commit(broker::offset_request& request) override;
    /// Answered within 10 s, or a little more where others of this cluster ask at the same time. Offsets of
    /// open transactions do not count for a client that reads what is committed.
    void committed(broker::offset_request& request) override;

    /// The broker fences by membership, not by ownership (reliability.md b2.24), and would take a commit for
    /// another member's partition; so only what is owned goes out.
    void own(const topic_partition& which) { owned_.insert(which); }
    void disown(const topic_partition& which) { owned_.erase(which); }
    /// The group is left: what waits is answered now, and nothing goes out any more.
    void end() noexcept;

private:
    struct address;
    struct inquiry;

    void refuse_foreign(broker::offset_request& request) const;
    void serve() noexcept;
    void answer(rd_kafka_event_t* event);
    void landed(const inquiry& answered) noexcept;
    void finish(broker::offset_request& request) noexcept;

    client_handle client_;
    scheduler& loop_;
    queue_handle queue_;
    std::shared_ptr<address> home_;
    bool ended_ = false;
    std::unordered_set<topic_partition> owned_;
    std::vector<broker::offset_request*> waiting_;
    event_bridge bridge_;
};

} // namespace corvid::kafka

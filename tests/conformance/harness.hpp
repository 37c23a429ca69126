// SPDX-License-Identifier: Apache-2.0
//
// What the conformance tests share: a fixture that opens one broker for each test, a producer and a group
// member that run on loops of their own and record what they are told, and verbs that wait for what must
// happen.
//
// All verbs are for the test's own thread, which is no loop.
#pragma once

#include "broker_under_test.hpp"
#include <corvid/broker/cluster.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace corvid::conformance {

using namespace std::chrono_literals;

/// Runs `body` on `loop` and returns when it has run. Throws std::runtime_error when it did not within the
/// patience.
void run_on(broker_under_test& under, scheduler& loop, std::function<void()> body);

/// Lets `span` pass.
void let_pass(broker_under_test& under, duration span);

/// Asks `holds` again and again until it answers true; false when the patience is over.
[[nodiscard]] bool eventually(broker_under_test& under, const std::function<bool()>& holds);

/// A record as a test compares it.
struct seen_record {
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<std::pair<std::string, std::optional<std::string>>> headers;
    std::int64_t offset = -1;
    std::int64_t timestamp = -1;
    bool operator==(const seen_record&) const = default;
};

/// What to send; by default to partition 0, fire and forget not.
struct to_send {
    std::optional<std::string> key = {};
    std::optional<std::string> value = {};
    std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
    std::int64_t timestamp = -1;
    broker::partition_choice choice = broker::partition_choice::exactly(partition_id(0));
    bool generation = false;
    bool is_transfer = false;
};

/// A sink on a loop of its own.
class producer final : broker::sink_listener {
public:
    producer(broker_under_test& under, broker::sink_settings settings);
    ~producer();

    /// With a node: its fate is in fates() later, under the number that is answered.
    result<std::size_t> send(const topic_name& topic, const to_send& what);
    result<void> post(const topic_name& topic, const to_send& what);
    /// All at once, with nodes; answers which were refused, by their place.
    std::map<std::size_t, errc> send_together(const topic_name& topic, const std::vector<to_send>& all);
    /// Sends and waits for the fate.
    result<delivery> deliver(const topic_name& topic, const to_send& what);
    /// `count` records with values "<from>", "<from + 1>", … to one partition, delivered when it returns.
    void deliver_numbers(const topic_partition& where, int from, int count);
    result<void> close(std::chrono::milliseconds patience);

    struct fate {
        int reports = 0;
        std::int32_t partition = -1;
        std::int64_t offset = -1;
        std::int64_t timestamp = -1;
        broker::persistence persisted = broker::persistence::no;
        std::optional<error> failure;
    };
    struct tally {
        std::map<std::size_t, fate> fates;
        std::uint64_t node_records = 0, node_bytes = 0;
        std::uint64_t posted_records[2] = {0, 0}, posted_bytes[2] = {0, 0};
        std::uint64_t failed_posts = 0;
        int warnings = 0;
        std::optional<error> broke;
        std::vector<std::pair<duration, std::uint64_t>> answers; ///< how long how many took
    };
    /// What was reported up to now.
    [[nodiscard]] tally reported();
    /// Waits until as many records, of nodes and posts together, are reported.
    [[nodiscard]] bool await_reports(std::uint64_t records);
    [[nodiscard]] scheduler& loop() { return thread_->loop(); }
    [[nodiscard]] broker::record_sink& sink() { return *sink_; }

private:
    struct node : broker::send_node {
        node(producer& by, std::size_t as) : send_node(&node::unused), owner(by), number(as) {}
        static void unused(work&) noexcept {}
        producer& owner;
        std::size_t number;
    };
    void delivered(broker::delivery_batch&& batch) noexcept override;
    void answered(broker::sink_topic& topic, duration took, std::uint64_t records) noexcept override;
    void post_failed(const broker::failed_post& record) noexcept override;
    void broken(const error& why) noexcept override;
    void warned(const error& why) noexcept override;
    result<void> send_with(const topic_name& topic, const to_send& what, node* with);

    broker_under_test& under_;
    std::unique_ptr<loop_thread> thread_;
    std::unique_ptr<broker::record_sink> sink_;
    std::deque<node> nodes_; // the test's own thread adds, the loop reads what was sent
    tally tally_;            // on the loop
    bool closed_ = false;
};

/// How a member answers its events without the test's help.
struct member_habits {
    bool accepts = true;  ///< at once, at the committed offsets
    bool releases = true; ///< at once
    bool takes = true;    ///< all there is, whenever something is
    std::size_t most = 100;
};

/// A group member on a loop of its own, which takes and records all it is given.
class group_reader final : broker::source_listener {
public:
    group_reader(broker_under_test& under, broker::source_settings settings, member_habits habits = {});
    ~group_reader();

    struct held {
        broker::slot id;
        bool accepted = false;
    };
    struct notes {
        std::map<topic_partition, held> owned;
        std::map<topic_partition, std::vector<seen_record>> records;
        std::vector<broker::source_error> errors;
        int assignments = 0;
        int revokes = 0;
        int losses = 0;
        bool revoke_waits = false;
        bool is_closed = false;
    };

    /// Asks `holds` about the notes until it answers true; false when the patience is over.
    [[nodiscard]] bool await(const std::function<bool(const notes&)>& holds);
    [[nodiscard]] bool await_owned(std::size_t partitions);
    [[nodiscard]] bool await_records(const topic_partition& from, std::size_t count);
    [[nodiscard]] notes now();

    void accept(const topic_partition& which, std::optional<offset> at = {});
    void release();
    void change(member_habits habits);
    /// Takes once, and answers how many records came.
    std::size_t take(const topic_partition& from, std::size_t most);
    [[nodiscard]] broker::partition_progress progress(const topic_partition& of);
    /// Commits and answers the request's offsets; a failure of the whole request is copied into each.
    std::vector<broker::committed_offset> commit(std::vector<broker::committed_offset> offsets);
    std::vector<broker::committed_offset> committed(std::vector<topic_partition> of);
    void start_close(); ///< the revoke, if any, is the habits' matter
    void close();       ///< and waits until it is closed
    void vanish();      ///< destroys the source without a close
    [[nodiscard]] std::vector<std::string> values(const topic_partition& of);

private:
    void ready() noexcept override { pump(); }
    void pump();
    void on(broker::assigned& event);
    void on(broker::revoked& event);
    void on(broker::source_error& event) { notes_.errors.push_back(event); }
    void on(broker::closed&) { notes_.is_closed = true; }
    void do_release();
    std::size_t do_take(const topic_partition& from, std::size_t most);
    std::vector<broker::committed_offset> request(std::vector<broker::committed_offset> offsets,
                                                  bool commits);

    broker_under_test& under_;
    std::unique_ptr<loop_thread> thread_;
    member_habits habits_;
    broker::group_member member_;
    notes notes_; // all of it on the loop
    std::vector<topic_partition> given_back_;
};

/// The verbs of a test that has a broker.
class with_broker {
protected:
    ~with_broker() = default;
    void use(std::unique_ptr<broker_under_test> one) { under_ = std::move(one); }
    [[nodiscard]] broker_under_test& under() { return *under_; }
    /// A topic of this test's own.
    [[nodiscard]] topic_name make_topic(std::int32_t partitions,
                                        std::map<std::string, std::string> config = {});
    /// A name that no other test uses.
    [[nodiscard]] std::string fresh(const std::string& word);
    [[nodiscard]] std::unique_ptr<producer> open_producer(broker::sink_settings settings = {});
    /// Settings of a member of the group, with the shortest session; time-outs as short as the broker takes
    /// them.
    [[nodiscard]] broker::source_settings reading(const std::string& group, std::vector<topic_name> topics);
    [[nodiscard]] std::unique_ptr<group_reader> open_reader(broker::source_settings settings,
                                                            member_habits habits = {});
    [[nodiscard]] std::unique_ptr<broker::admin> open_admin() { return under_->cluster().open_admin(); }

private:
    std::unique_ptr<broker_under_test> under_;
};

class conformance : public testing::TestWithParam<broker_factory>, protected with_broker {
protected:
    void SetUp() override { use(GetParam().open()); }
};

[[nodiscard]] inline topic_partition at(const topic_name& topic, std::int32_t partition) {
    return {topic, partition_id(partition)};
}
[[nodiscard]] std::vector<std::string> numbers(int from, int count);
/// The code of a partition's failure, or of the request's.
[[nodiscard]] std::optional<errc> code_of(const broker::committed_offset& one);

} // namespace corvid::conformance

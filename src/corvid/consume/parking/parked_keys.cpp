// SPDX-License-Identifier: Apache-2.0
#include <corvid/consume/parking/parked_keys.hpp>

#include <corvid/base/post_call.hpp>
#include <corvid/consume/parking/dead_keys.hpp>
#include <corvid/produce/publisher.hpp>

#include <algorithm>
#include <atomic>
#include <memory>

namespace corvid {

namespace {

constexpr std::size_t at_once = 256;

/// Reads every partition of the topic of keys to its end, on a loop of its own.
class listing final : private broker::source_listener {
public:
    listing(broker::cluster& cluster, topic_name source, const topic_name& of, std::int32_t partitions)
        : cluster_(cluster), source_(std::move(source)) {
        for (std::int32_t p = 0; p < partitions; ++p)
            all_.push_back({.of = {of, partition_id(p)}, .keys = dead_keys(partition_id(p), 1)});
    }
    void begin(scheduler& loop) {
        loop_ = &loop;
        for (one& each : all_)
            each.reader = cluster_.read(each.of, {}, loop, *this);
        ready();
    }
    /// From outside of the loop: nothing is read any more, once `done` is set.
    void end() {
        post_call(*loop_, [this]() noexcept { finish({}); });
    }
    [[nodiscard]] std::vector<parked_key> found() const {
        std::vector<parked_key> keys;
        for (const one& each : all_)
            for (const dead_keys::dead& dead : each.keys.list())
                keys.push_back({.where = {source_, each.of.partition},
                                .key = dead.key,
                                .died_at = dead.at,
                                .asked_for = dead.asked_for});
        return keys;
    }

    signal done;
    std::optional<error> failure;
    bool is_whole = false;

private:
    struct one {
        topic_partition of;
        dead_keys keys;
        std::unique_ptr<broker::partition_reader> reader = {};
    };
    // Readers may call from within their own functions.
    void ready() noexcept override {
        if (std::exchange(is_posted_, true)) return;
        post_call(*loop_, [this]() noexcept {
            is_posted_ = false;
            read();
        });
    }
    void read() {
        if (is_over_) return;
        bool all_read = true;
        for (one& each : all_) {
            if (!each.reader)
                return finish(error(errc::unsupported, {.message = "the cluster reads in groups alone",
                                                        .operation = "list parked keys"}));
            if (auto why = take_all(each); why && why->code() == errc::unknown_topic)
                return finish(std::move(why));
            all_read &= each.reader->is_at_end();
        }
        is_whole = all_read;
        if (all_read) finish({});
    }
    [[nodiscard]] static std::optional<error> take_all(one& from) {
        for (record_batch batch = from.reader->take(at_once); !batch.empty();
             batch = from.reader->take(at_once))
            for (const record& each : batch.records())
                if (const auto entry = parked_entry::read(each);
                    entry && entry->partition == from.of.partition)
                    from.keys.heard(*entry, each.offset);
        std::optional<error> last;
        while (auto why = from.reader->take_trouble())
            last = std::move(why);
        return last;
    }
    void finish(std::optional<error> why) {
        if (std::exchange(is_over_, true)) return;
        failure = std::move(why);
        for (one& each : all_)
            each.reader.reset();
        done.set();
    }

    broker::cluster& cluster_;
    topic_name source_;
    std::vector<one> all_;
    scheduler* loop_ = nullptr;
    bool is_posted_ = false, is_over_ = false;
};

error timed_out(std::string operation, const topic_name& topic) {
    return error(errc::timed_out, {.operation = std::move(operation), .topic = topic.str()});
}

} // namespace

result<void> parked_keys::create_topics(std::int32_t replication, milliseconds patience) const {
    const auto admin = cluster_->open_admin();
    const auto source = admin->describe_topic(topic_, patience);
    if (!source) return fail(source.error());
    const broker::topic_spec specs[] = {
        {topic_name(parked_topic(topic_, group_)), source->partitions, replication, {{"retention.ms", "-1"}}},
        {topic_name(parked_keys_topic(topic_, group_)),
         source->partitions,
         replication,
         {{"cleanup.policy", "compact"}}}};
    for (const broker::topic_spec& each : specs)
        if (auto made = admin->create_topic(each, patience); !made && made.error() != errc::topic_exists)
            return made;
    return {};
}

result<std::vector<parked_key>> parked_keys::list(milliseconds patience) const {
    const auto until = root_->steady_now() + patience;
    const topic_name of(parked_keys_topic(topic_, group_));
    const auto known = cluster_->open_admin()->describe_topic(of, patience);
    if (!known) return fail(known.error());
    listing all(*cluster_, topic_, of, known->partitions);
    const auto thread = root_->run_thread("corvid-parked", [&](scheduler& loop) { all.begin(loop); });
    if (!root_->wait(all.done, until)) {
        all.end();
        root_->wait(all.done, std::nullopt);
    }
    if (all.failure) return fail(*all.failure);
    if (!all.is_whole) return fail(timed_out("list parked keys", of));
    return all.found();
}

result<std::size_t> parked_keys::ask(std::string_view key, parked_command what, milliseconds patience) const {
    const auto until = root_->steady_now() + patience;
    auto dead = list(patience);
    if (!dead) return fail(std::move(dead).error());
    std::erase_if(*dead, [&](const parked_key& each) { return each.key != key; });
    struct answers {
        std::atomic<std::size_t> left;
        std::optional<error> failure;
        signal all;
    };
    const auto asked = std::make_shared<answers>();
    asked->left = dead->size();
    for (const parked_key& each : *dead)
        ask_parked(*by_, each.where, group_, key, what, [asked](std::optional<error> failure) {
            if (failure) asked->failure = std::move(failure);
            if (--asked->left == 0) asked->all.set();
        });
    if (!dead->empty() && !root_->wait(asked->all, until))
        return fail(timed_out(std::string(to_string(what)), topic_));
    if (asked->failure) return fail(*asked->failure);
    return dead->size();
}

} // namespace corvid

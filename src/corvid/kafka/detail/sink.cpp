// SPDX-License-Identifier: Apache-2.0
#include <corvid/kafka/detail/sink.hpp>

#include <corvid/kafka/detail/error_map.hpp>
#include <corvid/kafka/detail/opaque.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <span>
#include <vector>

namespace corvid::kafka {
namespace {

using std::chrono::milliseconds;

/// On the sending thread or, for what was sent before the topic's metadata came, on librdkafka's.
std::int32_t choose_partition(const rd_kafka_topic_t*, const void*, std::size_t, std::int32_t partitions,
                              void* topic, void* opaque) {
    static_cast<resolved_topic*>(static_cast<broker::sink_topic*>(topic))->has(partitions);
    return partition_for(choice_in(opaque), partitions);
}

void* pointer(const optional_bytes& bytes) noexcept {
    return const_cast<std::byte*>(bytes.data()); // librdkafka only reads what it copies
}

/// Headers that stay ours until a record has taken them: what rd_kafka_produceva() builds from single headers
/// it frees twice where the record is refused (1.x to 2.11.1).
headers_handle make_headers(std::span<const header_view> all) {
    headers_handle made(rd_kafka_headers_new(all.size()));
    for (const header_view& one : all)
        rd_kafka_header_add(made.get(), one.name.data(), static_cast<ssize_t>(one.name.size()),
                            one.value.data(), static_cast<ssize_t>(one.value.size()));
    return made;
}

error explain(rd_kafka_resp_err_t native, const broker::outgoing& record) {
    error_details details{.operation = "send", .topic = record.topic->name().str()};
    if (record.choice.is_explicit) details.partition = static_cast<std::int32_t>(record.choice.value);
    if (native == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        const std::string size = std::to_string(record.all_bytes());
        details.hint = "send less, or raise produce.max_record_bytes and the topic's max.message.bytes";
        return make_error(native, size + " bytes are more than produce.max_record_bytes (message.max.bytes)",
                          std::move(details));
    }
    return make_error(native, {}, std::move(details));
}

/// The record's word, its node made ready.
void* opaque_of(const broker::outgoing& record) noexcept {
    if (!record.node) return post_opaque(record.choice, record.generation);
    broker::send_node& node = *record.node;
    node.choice = record.choice;
    node.topic = record.topic;
    node.bytes = static_cast<std::uint32_t>(record.bytes());
    node.failure.reset();
    return &node;
}

/// What rd_kafka_produce_batch() can carry.
bool is_plain(const broker::outgoing& record) noexcept {
    return record.headers.empty() && record.timestamp < 0;
}

} // namespace

/// A sender between its look at `closed_` and librdkafka's queue. close() waits for those: what they put
/// there later would never be reported.
class sink::visit {
public:
    explicit visit(std::atomic<std::uint32_t>& count) noexcept : count_(count) {
        count_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~visit() { count_.fetch_sub(1, std::memory_order_release); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;

private:
    std::atomic<std::uint32_t>& count_;
};

/// Plain records of one topic and, unless that is left to its partitioner, one partition.
class sink::bulk {
public:
    static constexpr std::size_t most = 64;
    explicit bulk(std::int32_t partition) noexcept : partition_(partition) {}
    [[nodiscard]] std::int32_t partition() const noexcept { return partition_; }
    void add(const broker::outgoing& record, void* opaque) noexcept {
        rd_kafka_message_t& message = messages_[count_];
        message.err = RD_KAFKA_RESP_ERR_NO_ERROR;
        message.payload = pointer(record.value);
        message.len = record.value.size();
        message.key = pointer(record.key);
        message.key_len = record.key.size();
        message._private = opaque;
        records_[count_++] = &record;
    }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::span<const broker::outgoing* const> records() const noexcept {
        return std::span(records_).first(count_);
    }
    [[nodiscard]] std::span<rd_kafka_message_t> messages() noexcept {
        return std::span(messages_).first(count_);
    }

private:
    std::int32_t partition_;
    std::size_t count_ = 0;
    std::array<const broker::outgoing*, most> records_;
    std::array<rd_kafka_message_t, most> messages_;
};

resolved_topic::resolved_topic(rd_kafka_t* client, topic_name name) : broker::sink_topic(std::move(name)) {
    topic_conf_handle conf(rd_kafka_default_topic_conf_dup(client));
    rd_kafka_topic_conf_set_partitioner_cb(conf.get(), choose_partition);
    rd_kafka_topic_conf_set_opaque(conf.get(), static_cast<broker::sink_topic*>(this));
    native_.reset(rd_kafka_topic_new(client, this->name().c_str(), conf.release()));
}

/// rd_kafka_flush() wakes the broker threads, but must stay in the call until they have looked; so not on the
/// caller's.
struct sink::hurrier : work {
    explicit hurrier(client_handle c) noexcept : work(&hurrier::flush), owner(std::move(c)) {}
    static void flush(work& node) noexcept {
        const std::shared_ptr<hurrier> me = std::move(static_cast<hurrier&>(node).self);
        me->posted.store(false, std::memory_order_release);
        rd_kafka_flush(me->owner->get(), 10);
    }
    client_handle owner;
    std::shared_ptr<hurrier> self;
    std::atomic<bool> posted{false};
};

/// A client connects when it must, and up to 2.10.0 a first record waits a second for that (#5032). Asking
/// for the topic's metadata connects at once; the answer reaches the topic by itself.
struct sink::first_look : work {
    first_look(client_handle c, const topic_name& name)
        : work(&first_look::ask),
          owner(std::move(c)),
          topic(rd_kafka_topic_new(owner->get(), name.c_str(), nullptr)) {}
    static void ask(work& node) noexcept {
        const std::unique_ptr<first_look> me(&static_cast<first_look&>(node));
        const rd_kafka_metadata_t* data = nullptr;
        constexpr int patience_ms = 1'000;
        if (me->topic && !rd_kafka_metadata(me->owner->get(), 0, me->topic.get(), &data, patience_ms))
            rd_kafka_metadata_destroy(data);
    }
    client_handle owner;
    topic_handle topic;
};

sink::sink(client_handle client, std::size_t most, scheduler& delivery, broker::sink_listener& listener)
    : client_(std::move(client)),
      most_(most),
      delivery_(delivery),
      reports_(std::make_unique<delivery_reports>(client_, delivery, listener)),
      hurrier_(std::make_shared<hurrier>(client_)) {}

sink::~sink() {
    if (closed_) return;
    if (scheduler::current() != &delivery_) {
        [[maybe_unused]] const auto told_by_reports = close(milliseconds(0));
        return;
    }
    purge();
    hang_up();
}

result<broker::sink_topic*> sink::topic(const topic_name& name) {
    if (!is_kafka_topic(name.str()))
        return fail(errc::invalid_name,
                    {.message = "`" + name.str() + "` is no name for a topic", .topic = name.str()});
    const std::lock_guard lock(mutex_);
    std::unique_ptr<resolved_topic>& known = topics_[name];
    if (known) return known.get();
    known = std::make_unique<resolved_topic>(client_->get(), name);
    if (known->native()) {
        if (topics_.size() == 1) client_->closing().loop().post(*new first_look(client_, name));
        return known.get();
    }
    topics_.erase(name);
    return fail(make_error(rd_kafka_last_error(), {}, {.operation = "send", .topic = name.str()}));
}

result<void> sink::send(const broker::outgoing& record) noexcept {
    const visit here(senders_);
    if (closed_.load(std::memory_order_seq_cst))
        return fail(errc::producer_closed, {.operation = "send", .topic = record.topic->name().str()});
    if (!record.fits(most_)) [[unlikely]]
        return fail(explain(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, record));
    void* opaque = opaque_of(record);
    rd_kafka_topic_t* topic = static_cast<resolved_topic*>(record.topic)->native();
    rd_kafka_resp_err_t native = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!record.headers.empty() || record.timestamp >= 0)
        native = enqueue_with(record, topic, opaque);
    else if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, pointer(record.value),
                              record.value.size(), record.key.data(), record.key.size(), opaque) != 0)
        native = rd_kafka_last_error();
    // From here on an accepted record's node belongs to the delivery loop.
    if (native == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    return fail(native == RD_KAFKA_RESP_ERR__FATAL ? fatal_error(client_->get()) : explain(native, record));
}

// What goes in one call: plain records of a topic and, where that is worth it, of a partition: librdkafka
// looks a given partition up once a call, where for its partitioner's it locks, counts and reads the clock
// once a record. Few records, and some others now and then, are left to the partitioner, which alone hears of
// new partitions.
std::vector<broker::record_sink::refusal> sink::send_all(std::span<const broker::outgoing> records) noexcept {
    std::vector<refusal> refused;
    for (; records.size() > bulk::most; records = records.subspan(bulk::most))
        send_some(records.first(bulk::most), refused);
    send_some(records, refused);
    return refused;
}

void sink::send_some(std::span<const broker::outgoing> records, std::vector<refusal>& refused) noexcept {
    constexpr std::size_t worth_it = 16;
    constexpr std::uint32_t now_and_then = 64;
    const bool sorted =
        records.size() >= worth_it && bulks_.fetch_add(1, std::memory_order_relaxed) % now_and_then != 0;
    std::bitset<bulk::most> gone;
    for (std::size_t first = 0; first < records.size(); ++first) {
        if (gone[first]) continue;
        const auto* topic = static_cast<const resolved_topic*>(records[first].topic);
        const auto partition_of = [&](const broker::outgoing& record) {
            return sorted ? topic->partition_for(record.choice) : RD_KAFKA_PARTITION_UA;
        };
        bulk together(partition_of(records[first]));
        for (std::size_t i = first; i < records.size(); ++i) {
            if (gone[i] || records[i].topic != topic) continue;
            if (!is_plain(records[i]) || !records[i].fits(most_)) break; // by itself
            // The first is asked once: what it was told may have changed since.
            if (i != first && partition_of(records[i]) != together.partition()) continue;
            together.add(records[i], opaque_of(records[i]));
            gone[i] = true;
        }
        if (together.empty()) {
            if (auto sent = send(records[first]); !sent)
                refused.push_back({&records[first], std::move(sent).error()});
        } else {
            send_bulk(together, refused);
        }
    }
}

void sink::send_bulk(bulk& together, std::vector<refusal>& refused) noexcept {
    const auto closed = [&](const broker::outgoing& record) {
        return error(errc::producer_closed, {.operation = "send", .topic = record.topic->name().str()});
    };
    const visit here(senders_);
    if (closed_.load(std::memory_order_seq_cst)) {
        for (const auto* record : together.records())
            refused.push_back({record, closed(*record)});
        return;
    }
    auto messages = together.messages();
    const auto taken = rd_kafka_produce_batch(
        static_cast<resolved_topic*>(together.records().front()->topic)->native(), together.partition(),
        RD_KAFKA_MSG_F_COPY, messages.data(), static_cast<int>(messages.size()));
    if (static_cast<std::size_t>(taken) == messages.size()) [[likely]]
        return;
    const bool is_fatal = rd_kafka_fatal_error(client_->get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (!messages[i].err) continue;
        const auto& record = *together.records()[i];
        refused.push_back(
            {&record, is_fatal ? fatal_error(client_->get()) : explain(messages[i].err, record)});
    }
}

rd_kafka_resp_err_t sink::enqueue_with(const broker::outgoing& record, rd_kafka_topic_t* topic,
                                       void* opaque) noexcept {
    std::array<rd_kafka_vu_t, 7> with; // NOLINT: filled as far as it is passed
    std::size_t count = 0;
    const auto add = [&](rd_kafka_vtype_t type) -> auto& {
        with[count].vtype = type;
        return with[count++].u;
    };
    add(RD_KAFKA_VTYPE_RKT).rkt = topic;
    add(RD_KAFKA_VTYPE_MSGFLAGS).i = RD_KAFKA_MSG_F_COPY;
    add(RD_KAFKA_VTYPE_VALUE).mem = {pointer(record.value), record.value.size()};
    add(RD_KAFKA_VTYPE_KEY).mem = {pointer(record.key), record.key.size()};
    add(RD_KAFKA_VTYPE_OPAQUE).ptr = opaque;
    if (record.timestamp >= 0) add(RD_KAFKA_VTYPE_TIMESTAMP).i64 = record.timestamp;
    headers_handle headers;
    if (!record.headers.empty()) {
        headers = make_headers(record.headers);
        add(RD_KAFKA_VTYPE_HEADERS).headers = headers.get();
    }
    const error_handle refused(rd_kafka_produceva(client_->get(), with.data(), count));
    if (refused) return rd_kafka_error_code(refused.get());
    let_go(headers);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void sink::hurry() noexcept {
    if (hurrier_->posted.exchange(true, std::memory_order_acq_rel)) return;
    hurrier_->self = hurrier_;
    client_->closing().loop().post(*hurrier_);
}

void sink::purge() noexcept {
    rd_kafka_purge(client_->get(),
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

std::size_t sink::unreported() const noexcept {
    return static_cast<std::size_t>(rd_kafka_outq_len(client_->get()));
}

result<void> sink::close(milliseconds patience) {
    if (closed_.exchange(true)) return {};
    const milliseconds slice(100);
    constexpr milliseconds purge_patience(5'000);
    const auto flush_until = [this, slice](steady_time deadline) {
        for (;;) {
            const auto left = std::chrono::ceil<milliseconds>(deadline - delivery_.steady_now());
            const int wait = static_cast<int>(std::clamp(left, milliseconds(0), slice).count());
            const bool entered = senders_.load(std::memory_order_acquire) > 0;
            if (rd_kafka_flush(client_->get(), wait) == RD_KAFKA_RESP_ERR_NO_ERROR && !entered) return 0;
            if (left <= milliseconds(0)) return rd_kafka_outq_len(client_->get());
        }
    };
    const int given_up = flush_until(delivery_.steady_now() + patience);
    if (given_up > 0) {
        rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)flush_until(delivery_.steady_now() + purge_patience);
    }
    hang_up();
    if (given_up == 0) return {};
    return fail(errc::close_timed_out,
                {.message = std::to_string(given_up) + " records were given up after " +
                            std::to_string(patience.count()) + " ms",
                 .operation = "close"});
}

void sink::hang_up() noexcept {
    if (!reports_) return;
    if (scheduler::current() == &delivery_) {
        reports_.reset();
        return;
    }
    struct farewell : work {
        explicit farewell(std::unique_ptr<delivery_reports> r) noexcept
            : work(&farewell::say), reports(std::move(r)) {}
        static void say(work& node) noexcept {
            auto& me = static_cast<farewell&>(node);
            me.reports.reset();
            me.over.set();
        }
        std::unique_ptr<delivery_reports> reports;
        signal over;
    };
    auto last = std::make_unique<farewell>(std::move(reports_));
    delivery_.post(*last);
    constexpr std::chrono::seconds patience(10);
    const steady_time deadline = delivery_.steady_now() + patience;
    const bool on_a_loop =
        scheduler::current() != nullptr; // close() blocks it already; a scheduler refuses to
    const bool over = on_a_loop ? last->over.wait_until(deadline) : delivery_.wait(last->over, deadline);
    if (!over) let_go(last); // a loop that has stopped runs it no more: it is left as it is
}

} // namespace corvid::kafka

// SPDX-License-Identifier: Apache-2.0
//
// publisher: the one safe producer that everybody shares, in bytes; message_producer.hpp has messages.
//   send  awaited, or with a callback: where the record is, or why not and whether it may be
//   post  fire and forget; flush() waits for all that was posted before, and gives the first error
//
// Any thread. In flight are at most 20,000 records and 32 MiB (settings.in_flight): beyond that send
// suspends, post blocks a plain thread; on a loop it overdraws up to twice, then is refused. A failed send
// is a result: never thrown. A client error that is fatal to the producer replaces it. What was under way is
// reported, each record with whether it may be persisted; where a new client cures the error (the sequence
// numbers of an idempotent producer, librdkafka #4438), what was only queued goes to the new one, in its
// order, and so does all that is sent meanwhile and later.
#pragma once

#include <corvid/broker/cluster.hpp>
#include <corvid/observe/log.hpp>
#include <corvid/observe/metrics.hpp>
#include <corvid/produce/detail/gather.hpp>
#include <corvid/produce/detail/intake.hpp>
#include <corvid/produce/detail/succession.hpp>
#include <corvid/produce/published_topic.hpp>
#include <corvid/produce/send_operation.hpp>
#include <corvid/produce/settings.hpp>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace corvid {

class publisher final : private broker::sink_listener, private detail::gather::owner {
public:
    /// Starts the delivery loop; connects in the background. `cluster`, `root` and `figures` outlive the
    /// publisher. Throws config_error. Not to be constructed, closed or destroyed on a loop.
    publisher(broker::cluster& cluster, scheduler& root, producer_settings settings,
              logger log = default_logger(), metrics* figures = nullptr);
    virtual ~publisher();
    publisher(const publisher&) = delete;
    publisher& operator=(const publisher&) = delete;

    /// The same name gives the same object. Takes a lock; keep what it returns. Whether the topic exists is
    /// found out by the first record.
    [[nodiscard]] result<published_topic*> topic(const topic_name& name,
                                                 std::optional<partition_strategy> strategy = {});

    /// Where messages of this type go, by their declaration; resolved once.
    template <class T>
    [[nodiscard]] result<published_topic*> topic_of();

    /// `key`, `value` and the views in `options` are borrowed until the operation is awaited or started,
    /// which copies them. What a loop sends in one turn is handed over together when the turn ends.
    [[nodiscard]] send_operation send(published_topic& to, optional_bytes key, optional_bytes value,
                                      const send_options& options) noexcept {
        return send_operation(*this, to, key, value, options);
    }
    /// Without options, which a co_await expression would keep in the coroutine's frame.
    [[nodiscard]] send_operation send(published_topic& to, optional_bytes key,
                                      optional_bytes value) noexcept {
        static constexpr send_options none{};
        return send_operation(*this, to, key, value, none);
    }
    /// `callback(result<delivery>)` runs once, on the delivery loop, or here if the record is refused at
    /// once; it must not block. Waits for credit as post() does, and copies everything before it returns.
    template <CallbackFor<result<delivery>> F>
    void send(published_topic& to, optional_bytes key, optional_bytes value, const send_options& options,
              F&& callback) {
        if (!reserve((options.key ? options.key->size() : key.size()) + value.size()))
            return callback(result<delivery>(fail(queue_full(to))));
        start_detached<reserved_send>(std::forward<F>(callback), *this, to, key, value, options);
    }

    /// Copies all of it before it returns. Errors: queue_full, message_too_large, producer_closed,
    /// invalid_argument.
    result<void> post(published_topic& to, optional_bytes key, optional_bytes value,
                      const send_options& options);
    result<void> post(published_topic& to, optional_bytes key, optional_bytes value);

    [[nodiscard]] flush_operation flush() noexcept { return flush_operation(*this); }

    /// Waits for what is in flight, at most `patience`; the rest is given up and reported. Idempotent. After
    /// it, sends are refused with producer_closed. Errors: close_timed_out.
    result<void> close(std::chrono::milliseconds patience);
    [[nodiscard]] const credit& in_flight() const noexcept { return credit_; }
    [[nodiscard]] const producer_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] scheduler& delivery_loop() noexcept { return thread_->loop(); }
    [[nodiscard]] scheduler& root() noexcept { return root_; }
    [[nodiscard]] std::uint64_t rebuilds() const noexcept {
        return rebuilds_.load(std::memory_order_relaxed);
    }

private:
    friend class send_operation;
    friend class flush_operation;
    struct blocked_thread;
    struct waiting_send {
        send_operation* op;
        detail::record_copy bytes;
    };
    struct exporter;
    /// Tells who was refused, on the delivery loop.
    struct teller : work {
        explicit teller(publisher& p) noexcept : work(&teller::run_once), of(p) {}
        static void run_once(work& node) noexcept;
        publisher& of;
        std::atomic<bool> queued{false};
    };
    /// Looks after the intake, on the delivery loop.
    struct sweeper : timer {
        sweeper(publisher& p, duration every) noexcept : timer(&sweeper::run_once), of(p), period(every) {}
        static void run_once(work& node) noexcept;
        publisher& of;
        duration period;
    };
    /// Hands on what a broken sink left, on the delivery loop.
    struct heir : timer {
        explicit heir(publisher& p) noexcept : timer(&heir::run_once), of(p) {}
        static void run_once(work& node) noexcept;
        publisher& of;
        steady_time until{}; ///< it waits for what broken sinks have still to report
    };
    /// A send whose credit is taken already.
    struct reserved_send : send_operation {
        using send_operation::send_operation;
        [[nodiscard]] bool start() noexcept { return start_reserved(); }
    };

    void delivered(broker::delivery_batch&& batch) noexcept override;
    void answered(broker::sink_topic& topic, duration took, std::uint64_t records) noexcept override;
    void post_failed(const broker::failed_post& record) noexcept override;
    void broken(const error& why) noexcept override;
    bool passed_on(const broker::outgoing& unsent) noexcept override;
    void warned(const error& why) noexcept override;

    void open_sink(scheduler& delivery);
    [[nodiscard]] result<void> add_route(published_topic& to);
    /// Completes a record that has its key and value; false: the partition of `options` is none.
    [[nodiscard]] static bool prepare(published_topic& to, broker::outgoing& record,
                                      const send_options& options) noexcept {
        if (options.key) record.key = *options.key;
        record.headers = options.headers;
        record.is_transfer = options.is_transfer;
        if (options.timestamp) record.timestamp = options.timestamp->time_since_epoch().count();
        if (options.partition) [[unlikely]]
            record.choice = broker::partition_choice::exactly(*options.partition);
        else if (options.partition_by) [[unlikely]]
            record.choice = partitioner::by_field(as_bytes(*options.partition_by));
        else if (options.partition_modulo) [[unlikely]]
            record.choice = broker::partition_choice::by_hash(*options.partition_modulo);
        else
            record.choice = to.partitions_.choose(record.key, record.key.size() + record.value.size());
        return !options.partition || options.partition->value >= 0;
    }
    [[nodiscard]] static error no_such_partition(const published_topic& to, const send_options& options);
    result<void> post(published_topic& to, broker::outgoing& record);
    void join_generation(broker::outgoing& record) noexcept;
    [[nodiscard]] static constexpr bool is_odd(std::uint32_t generation) noexcept {
        return (generation & 1U) != 0;
    }
    [[nodiscard]] result<void> dispatch(const published_topic& to, broker::outgoing& record) noexcept;
    /// Behind all that this thread sent before; false: there is a successor by now.
    [[nodiscard]] bool wait_for_successor(const broker::outgoing& record) noexcept;
    /// Where records of its topic go now.
    [[nodiscard]] static const published_topic::route& route_of(const broker::outgoing& record) noexcept;
    [[nodiscard]] static bool is_of_sink_in_use(const broker::outgoing& record) noexcept;
    [[nodiscard]] bool goes_to_successor(const broker::outgoing& record, const error& why) noexcept;
    [[nodiscard]] result<void> send_to_last_sink(broker::outgoing record) noexcept;
    void hand_on(std::deque<detail::succession::held>&& some) noexcept;
    void hand_on_soon() noexcept;
    void finish_succession(steady_time until);

    [[nodiscard]] bool launch(send_operation& op) noexcept;
    [[nodiscard]] bool dispatch(send_operation& op) noexcept;
    /// Takes a record along with others; false: it is to be sent now, behind those before it.
    [[nodiscard]] bool goes_along(broker::record_sink& to, const broker::outgoing& record) noexcept;
    void refused(const broker::outgoing& record, error&& why) noexcept override;
    [[nodiscard]] bool bundle_began() noexcept override;
    void bundle_ended() noexcept override;
    void tell_refused() noexcept;
    void tell_refused_later() noexcept;
    void sweep_later() noexcept;
    [[nodiscard]] bool wait_for_turn(send_operation& op) noexcept;
    /// Credit for a caller that is no coroutine: blocks a plain thread, overdraws on a loop; false: there is
    /// none.
    [[nodiscard]] bool reserve(std::uint64_t bytes, credit::tally which = credit::tally::awaited) {
        return take_credit(bytes, which) || reserve_later(bytes, which);
    }
    [[nodiscard]] bool reserve_later(std::uint64_t bytes, credit::tally which);
    /// Behind those who wait already.
    [[nodiscard]] bool take_credit(std::uint64_t bytes, credit::tally which) noexcept {
        return !somebody_waits_.load(std::memory_order_relaxed) && credit_.take(which, bytes);
    }
    [[nodiscard]] error queue_full(const published_topic& to) const;
    void export_figures();
    [[nodiscard]] std::vector<broker::record_sink*> all_sinks();
    void give_back(credit::tally to, std::uint64_t bytes) noexcept;
    void credit_came_back() noexcept;
    void wake_waiting() noexcept;
    /// True: some were refused, their credit is back.
    bool wake_some() noexcept;

    [[nodiscard]] bool begin_flush(flush_operation& op) noexcept;
    void end_flush_if_done() noexcept;
    void note_failure(bool generation, const error& why) noexcept;

    broker::cluster& cluster_;
    scheduler& root_;
    producer_settings settings_;
    logger log_;
    metrics* figures_;
    gauge records_in_flight_, bytes_in_flight_;

    credit credit_;
    std::atomic<bool> somebody_waits_{false};
    std::mutex waiting_mutex_;
    std::deque<waiting_send> waiting_;
    std::vector<blocked_thread*> blocked_;

    detail::succession succession_{&publisher::is_of_sink_in_use};
    heir heir_{*this};
    detail::intake intake_{&succession_};
    teller teller_;
    signal all_told_;                            // when closed
    std::atomic<std::uint32_t> open_bundles_{1}; // in gathers, and one until close()
    signal bundles_ended_;
    sweeper sweeper_;

    std::atomic<std::uint32_t> generation_{0};
    std::atomic<bool> flushing_{false};
    std::mutex flush_mutex_;
    std::vector<flush_operation*> flushing_now_, flushing_next_;
    bool draining_ = false;
    std::optional<error> first_failure_[2];

    std::array<std::atomic<published_topic*>, 256> by_type_{};
    std::mutex topics_mutex_;
    std::map<topic_name, std::unique_ptr<published_topic>> topics_;
    std::deque<published_topic::route> routes_; // never shrinks: a sender may still hold one
    std::atomic<std::uint64_t> rebuilds_{0};
    std::atomic<bool> closed_{false};
    std::shared_ptr<exporter> exporter_;
    std::unique_ptr<loop_thread> thread_;
    std::vector<std::unique_ptr<broker::record_sink>> sinks_; // the last is in use, the others are broken
};

} // namespace corvid

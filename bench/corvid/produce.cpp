// SPDX-License-Identifier: Apache-2.0
// corvid's publisher, in bytes: `corvid_post` posts from a plain thread and flushes; `corvid_callback` gives
// each send a callback; `corvid_awaitable` runs coroutines on one loop, each awaiting one send after another.
// They are a quarter of --in-flight, the mark at which the other arms refill: each goes on as soon as it is
// answered, so more of them gain nothing and take more cache; `corvid_awaitable_all` has one for each of
// --in-flight all the same.
#include <corvid/base/task_scope.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/kafka/versions.hpp>
#include <corvid/produce/publisher.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <bench/arm.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

namespace corvid::bench {
namespace {

producer_settings settings_of(const options& chosen) {
    producer_settings settings;
    settings.sink.linger = std::chrono::milliseconds(5);
    settings.sink.compression = "none";
    settings.in_flight.records = chosen.in_flight;
    return settings;
}

/// What every arm shares: the publisher, the records in their order, and how they ended.
class workload {
public:
    workload(publisher& to, published_topic& topic, const options& chosen)
        : to_(to),
          topic_(topic),
          shape_{chosen.keys},
          keys_(make_keys(chosen.keys)),
          value_(chosen.size, 'x') {}

    [[nodiscard]] publisher& to() const { return to_; }
    [[nodiscard]] published_topic& topic() const { return topic_; }
    void extend(std::uint64_t count) { end_ += count; }
    [[nodiscard]] bool more() const { return next_ < end_; }

    /// The next record; its value is overwritten by the one after it.
    struct bytes {
        std::string_view key, value;
    };
    [[nodiscard]] bytes take() {
        const auto key = shape_.key_of(next_);
        stamp(value_.data(), key, shape_.sequence_of(next_));
        ++next_;
        return {keys_[key], value_};
    }
    void ended(bool well) { ++(well ? acknowledged_ : failed_); }
    [[nodiscard]] std::uint64_t over() const { return acknowledged_ + failed_; }
    [[nodiscard]] std::uint64_t failed() const { return failed_; }

private:
    publisher& to_;
    published_topic& topic_;
    record_shape shape_;
    std::vector<std::string> keys_;
    std::string value_;
    std::uint64_t next_ = 0, end_ = 0;
    std::uint64_t acknowledged_ = 0, failed_ = 0; // one thread's
};

class arm {
public:
    virtual ~arm() = default;
    /// Sends that many records; when it returns they are acknowledged.
    virtual void send(std::uint64_t count) = 0;
};

class posting final : public arm {
public:
    posting(scheduler& root, workload& all) : root_(root), all_(all) {}
    void send(std::uint64_t count) override {
        all_.extend(count);
        std::uint64_t taken = 0;
        while (all_.more()) {
            const auto next = all_.take();
            taken += all_.to().post(all_.topic(), next.key, next.value).has_value() ? 1 : 0;
        }
        signal flushed;
        bool well = false;
        start_detached<flush_operation>(
            [&](const result<void>& answer) {
                well = answer.has_value();
                flushed.set();
            },
            all_.to());
        root_.wait(flushed, std::nullopt);
        for (std::uint64_t i = 0; i < count; ++i)
            all_.ended(well && i < taken);
    }

private:
    scheduler& root_;
    workload& all_;
};

class calling_back final : public arm {
public:
    calling_back(scheduler& root, workload& all) : root_(root), all_(all) {}
    void send(std::uint64_t count) override {
        all_.extend(count);
        signal over;
        const std::uint64_t last = all_.over() + count;
        const auto told = [this, &over, last](const result<delivery>& answer) {
            all_.ended(answer.has_value());
            if (all_.over() == last) over.set();
        };
        while (all_.more()) {
            const auto next = all_.take();
            all_.to().send(all_.topic(), next.key, next.value, {}, told);
        }
        root_.wait(over, std::nullopt);
    }

private:
    scheduler& root_;
    workload& all_;
};

class awaiting final : public arm {
public:
    awaiting(scheduler& root, workload& all, std::uint32_t coroutines)
        : root_(root),
          all_(all),
          coroutines_(coroutines),
          thread_(root.run_thread("bench-loop", [](scheduler&) {})) {}
    void send(std::uint64_t count) override {
        all_.extend(count);
        task_scope scope;
        for (std::uint32_t i = 0; i < coroutines_; ++i)
            scope.spawn(thread_->loop(), send_one_by_one(all_));
        scope.wait(root_);
    }

private:
    static task<void> send_one_by_one(workload& all) {
        while (all.more()) {
            const auto next = all.take();
            const auto answer = co_await all.to().send(all.topic(), next.key, next.value);
            all.ended(answer.has_value());
        }
    }

    scheduler& root_;
    workload& all_;
    std::uint32_t coroutines_;
    std::unique_ptr<loop_thread> thread_;
};

std::unique_ptr<arm> make_arm(scheduler& root, workload& all, const options& chosen) {
    if (chosen.arm == "corvid_post") return std::make_unique<posting>(root, all);
    if (chosen.arm == "corvid_callback") return std::make_unique<calling_back>(root, all);
    if (chosen.arm == "corvid_awaitable") return std::make_unique<awaiting>(root, all, chosen.in_flight / 4);
    if (chosen.arm == "corvid_awaitable_all") return std::make_unique<awaiting>(root, all, chosen.in_flight);
    std::fprintf(stderr, "bench: unknown arm %s\n", chosen.arm.c_str());
    std::exit(2);
}

int measure(const options& chosen) {
    threaded_scheduler root;
    kafka::cluster cluster({.bootstrap = chosen.bootstrap});
    publisher to(cluster, root, settings_of(chosen));
    workload all(to, *to.topic(topic_name(chosen.topic)).value(), chosen);
    const auto sender = make_arm(root, all, chosen);
    sender->send(chosen.warm_up);
    span measured;
    measured.begin();
    sender->send(chosen.messages);
    measured.end();
    outcome result{.messages = chosen.messages};
    result.correct = all.failed() == 0 && all.over() == chosen.messages + chosen.warm_up;
    if (!result.correct)
        result.why =
            std::to_string(all.over()) + " ended, " + std::to_string(all.failed()) + " of them failed";
    print_line(chosen, measured, result, kafka::judge_loaded_version().version);
    return result.correct ? 0 : 1;
}

} // namespace
} // namespace corvid::bench

int main(int argc, char** argv) {
    try {
        return corvid::bench::measure(corvid::bench::parse_options(argc, argv));
    } catch (const std::exception& why) {
        std::fprintf(stderr, "bench: %s\n", why.what());
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
//
// fault_worker: a service to be killed: reads a topic in a group and appends what it processed to a file,
// each record with one write before it is done. The file is shared by all its lives: its order is the order
// of the work.
//
//   fault_worker BOOTSTRAP TOPIC GROUP FILE SESSION_MS [BUG]
//
// SIGTERM stops it in an orderly way; it then ends with 0 if all was drained and committed. The bugs are
// there to show that the checker finds them:
//   done_first      says done before it has processed: keeps the newest records to itself and works them off
//   later from_beginning  begins each life at the first record, whatever is committed swap            works
//   neighbours off in the wrong order
#include <corvid/consume/group_loop.hpp>
#include <corvid/kafka/cluster.hpp>
#include <corvid/service/threaded_scheduler.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <deque>
#include <span>
#include <string>

namespace corvid::faults {
namespace {

class work_file {
public:
    explicit work_file(const char* path) : fd_(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        if (fd_ < 0) throw std::runtime_error(std::string("cannot write to ") + path);
    }
    ~work_file() { close(fd_); }
    work_file(const work_file&) = delete;
    work_file& operator=(const work_file&) = delete;

    void append(const std::string& line) const {
        if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            throw std::runtime_error("the file of work cannot be written");
    }

private:
    int fd_;
};

std::string line_of(const run& records) {
    const record& r = records.current();
    return std::to_string(records.origin().where.partition.value) + " " + std::to_string(r.offset) + " " +
           std::string(r.value.text()) + "\n";
}

/// Processes a record, then says done.
class honest_handler : public handler {
public:
    explicit honest_handler(const work_file& into) : into_(into) {}
    void start(run& records) noexcept override {
        while (records.has_next()) {
            process(line_of(records));
            records.complete(done);
        }
        records.end();
    }
    [[nodiscard]] bool is_immediate() const noexcept override { return true; }

protected:
    virtual void process(const std::string& line) { into_.append(line); }
    const work_file& into_;
};

class hasty_handler final : public honest_handler {
public:
    using honest_handler::honest_handler;
    ~hasty_handler() override {
        for (const std::string& line : kept_)
            into_.append(line);
    }

private:
    void process(const std::string& line) override {
        constexpr std::size_t most_kept = 1'000;
        kept_.push_back(line);
        if (kept_.size() <= most_kept) return;
        into_.append(kept_.front());
        kept_.pop_front();
    }
    std::deque<std::string> kept_;
};

class swapping_handler final : public honest_handler {
public:
    using honest_handler::honest_handler;
    ~swapping_handler() override { into_.append(kept_); }

private:
    void process(const std::string& line) override {
        if (kept_.empty()) {
            kept_ = line;
            return;
        }
        into_.append(line + kept_);
        kept_.clear();
    }
    std::string kept_;
};

std::unique_ptr<handler> handler_with(const std::string& bug, const work_file& into) {
    if (bug == "done_first") return std::make_unique<hasty_handler>(into);
    if (bug == "swap") return std::make_unique<swapping_handler>(into);
    return std::make_unique<honest_handler>(into);
}

/// A source that starts every partition at its first record.
class forgetful_source final : public broker::record_source {
public:
    explicit forgetful_source(std::unique_ptr<broker::record_source> of) : of_(std::move(of)) {}
    std::optional<broker::source_event> next_event() override { return of_->next_event(); }
    void accept(std::span<const broker::start_at> partitions) override {
        std::vector<broker::start_at> from_the_first(partitions.begin(), partitions.end());
        for (auto& one : from_the_first)
            one.at = offset(0);
        of_->accept(from_the_first);
    }
    void release() override { of_->release(); }
    record_batch take(broker::slot from, std::size_t most) override { return of_->take(from, most); }
    [[nodiscard]] broker::partition_progress progress(broker::slot of) const override {
        return of_->progress(of);
    }
    void close() override { of_->close(); }

private:
    std::unique_ptr<broker::record_source> of_;
};

class forgetful_cluster final : public broker::cluster {
public:
    explicit forgetful_cluster(broker::cluster& of) : of_(of) {}
    broker::group_member join(const broker::source_settings& settings, scheduler& loop,
                              broker::source_listener& listener) override {
        auto member = of_.join(settings, loop, listener);
        member.source = std::make_unique<forgetful_source>(std::move(member.source));
        return member;
    }
    std::unique_ptr<broker::record_sink> open_sink(const broker::sink_settings& settings, scheduler& delivery,
                                                   broker::sink_listener& listener) override {
        return of_.open_sink(settings, delivery, listener);
    }
    std::unique_ptr<broker::admin> open_admin() override { return of_.open_admin(); }

private:
    broker::cluster& of_;
};

int work_until_stopped(std::span<char* const> arguments, const sigset_t& stops) {
    const std::string bug = arguments.size() > 6 ? arguments[6] : "";
    const work_file into(arguments[4]);
    into.append("life " + std::to_string(getpid()) + "\n");

    threaded_scheduler root;
    kafka::cluster real({.bootstrap = arguments[1]});
    forgetful_cluster forgetful(real);
    group_settings settings{.source = {.group = arguments[3],
                                       .session_timeout = std::chrono::milliseconds(std::stoi(arguments[5]))},
                            .commit_every = std::chrono::milliseconds(200)};
    std::vector<subscription> subscriptions(1);
    subscriptions[0].name = "work";
    subscriptions[0].topics = {topic_name(arguments[2])};
    subscriptions[0].handle = handler_with(bug, into);
    group_loop loop(bug == "from_beginning" ? static_cast<broker::cluster&>(forgetful) : real, root, settings,
                    std::move(subscriptions), default_logger(), nullptr);
    loop.start();

    int received = 0;
    sigwait(&stops, &received);
    loop.stop(std::chrono::seconds(20), std::chrono::seconds(5));
    const bool ended = root.wait(loop.ended(), root.steady_now() + std::chrono::seconds(30));
    return ended && loop.how_it_ended() == loop_end::clean ? 0 : 3;
}

} // namespace
} // namespace corvid::faults

int main(int count, char** arguments) {
    if (count < 6) {
        std::fprintf(stderr, "usage: fault_worker BOOTSTRAP TOPIC GROUP FILE SESSION_MS [BUG]\n");
        return 2;
    }
    sigset_t stops; // blocked before there is any other thread, so that sigwait() alone gets it
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);
    try {
        return corvid::faults::work_until_stopped(std::span(arguments, static_cast<std::size_t>(count)),
                                                  stops);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "fault_worker: %s\n", e.what());
        return 1;
    }
}

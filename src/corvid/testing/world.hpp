// SPDX-License-Identifier: Apache-2.0
//
// world: services under test, in one process and in virtual time: the in-process broker, the simulated
// scheduler, and a seed that decides every order that no contract fixes. Back-offs of minutes take
// milliseconds, and a run can be repeated from its seed, event for event.
//
//   corvid::testing::world world{seed};
//   world.start([&](corvid::service& s) { s.on<order_placed>("invoices", invoice); })
//       .publish(order_placed{7})
//       .crash_at(corvid::testing::any_commit);
//   world.run_until_consumed();
//   EXPECT_THAT(world.topic<invoice_issued>(), corvid::testing::each_once());   //
//   <corvid/testing/matchers.hpp>
//
// Topics are made when somebody asks for them. Services have no HTTP, and blocking handlers run on simulated
// threads. An instance that crashes runs nothing any more, not even destructors: its memory is kept until the
// program ends. At the world's end nothing of a handler runs: what the test has destroyed by then is safe.
//
// For one thread, and not from within handlers, but for after(), crash() and crash_at(). What goes wrong
// throws: config_error as a service does, std::runtime_error (with the seed, the state of all groups and the
// last events) where a run does not come to its end, std::invalid_argument for names that nothing has.
#pragma once

#include <corvid/base/simulation.hpp>
#include <corvid/memory/cluster.hpp>
#include <corvid/service/service.hpp>
#include <corvid/testing/history.hpp>
#include <corvid/testing/point.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corvid::testing {

struct world_settings {
    std::int32_t partitions = 4; ///< of topics that are made when somebody asks for them; 0: none is made
    /// What trace(), handled() and commits() answer; off for millions of records.
    bool keeps_history = true;
};

struct start_options {
    std::size_t instances = 1;
    /// The service's name and all else; where it conflicts with a world (bootstrap, http) it is overruled.
    corvid::settings settings = {.service = "service"};
};

struct crash_options {
    std::string instance = {}; ///< `{service}-{number}`, from 1; crash_at: empty is whoever gets there first
    std::optional<duration> restart_after = std::chrono::seconds(1); ///< none: it stays dead
};

class world {
public:
    explicit world(std::uint64_t seed, world_settings with = {});
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    // --- services
    /// Starts instances of a service: `build` names its handlers, for each instance and again when one that
    /// crashed starts anew.
    world& start(std::function<void(corvid::service&)> build, start_options options = {});
    /// As many instances from now on: more are started, the last ones stopped.
    world& scale(const std::string& service, std::size_t instances);
    /// Drains, commits and leaves.
    exit_code stop(const std::string& instance);
    /// Starts one anew that has crashed or was stopped.
    world& start_again(const std::string& instance);
    /// Of `instance`, by default the first that runs.
    [[nodiscard]] corvid::service& service(const std::string& instance = {});

    // --- records
    world& create_topic(const topic_settings& topic);
    template <Message T>
    world& publish(const T& message, const send_options& options = {}) {
        check(make_topic(message_traits<T>::topic).post(message, options));
        return *this;
    }
    /// Bytes, as no producer of corvid would send them.
    world& publish_bytes(std::string_view topic, optional_bytes key, optional_bytes value,
                         const send_options& options = {});

    // --- what goes wrong
    /// The next time that it comes to `where`, counted from now, the instance that got there dies.
    world& crash_at(const point& where, const crash_options& options = {});
    world& crash(const crash_options& options);
    /// All groups, or one: all members give back and get anew.
    world& rebalance(const std::string& group = {});
    /// The group evicts the instance as one that was late: it loses what it has, and joins again.
    world& lose_assignment(const std::string& instance, const std::string& group = {});
    world& broker_down_for(duration length);
    /// The next commits fail, with errc::timed_out where nothing is given.
    world& fail_commits(std::uint64_t count, const std::optional<error>& why = {});
    /// The next sends fail; `persisted` says whether the records are in the log all the same.
    world& fail_sends(std::uint64_t count, broker::persistence persisted = broker::persistence::no);
    world& delay_sends(duration by);
    /// `action` runs when so much time has passed, while the world runs, and may do all that a test may.
    world& after(duration time, std::function<void()> action);

    // --- time
    /// Until all that is in the topics of all groups is handled and committed, and nothing is on its way.
    /// Groups must read from `earliest`. Throws std::runtime_error when `limit` of virtual time is over.
    world& run_until_consumed(duration limit = std::chrono::hours(24));
    world& run_for(duration length);
    /// False when `limit` is over, or nothing is left that could happen. `holds` is asked at every step.
    [[nodiscard]] bool run_until(const std::function<bool()>& holds, duration limit = std::chrono::hours(1));
    [[nodiscard]] bool is_consumed();

    // --- what came of it
    /// All of T's topic, partition by partition. Throws std::runtime_error where a record is no T.
    template <Message T>
    [[nodiscard]] listed<published<T>> topic() const {
        return read<T>(message_traits<T>::topic);
    }
    template <Message T>
    [[nodiscard]] listed<published<T>> read(std::string_view topic) const {
        listed<published<T>> all;
        all.seed = seed();
        for (const kept_record& each : records(topic))
            all.push_back(detail::read_as<T>(each));
        return all;
    }
    [[nodiscard]] listed<kept_record> records(std::string_view topic) const;
    [[nodiscard]] listed<kept_record> dead_letters(std::string_view topic, std::string_view group) const;
    template <Message T>
    [[nodiscard]] listed<published<T>> dead_letters(std::string_view group) const {
        return read<T>(std::string(message_traits<T>::topic) + '.' + std::string(group) + ".dlq");
    }
    [[nodiscard]] std::map<std::int32_t, std::int64_t> committed(std::string_view group,
                                                                 std::string_view topic) const;
    /// What handlers did, in the order of their ends; of one group, or of all.
    [[nodiscard]] listed<handled_record> handled(std::string_view group = {}) const;
    [[nodiscard]] const std::vector<commit_seen>& commits() const;
    [[nodiscard]] const std::vector<tenancy_seen>& tenancies() const;
    [[nodiscard]] std::size_t crashes() const noexcept { return crashes_; } ///< that happened

    // --- itself
    [[nodiscard]] std::uint64_t seed() const noexcept;
    [[nodiscard]] duration now() const; ///< since it began
    /// Every event, a line each. Worlds of one seed that are told the same have the same.
    [[nodiscard]] const std::vector<std::string>& trace() const;
    /// The seed; where each group stands, what is in flight and why; the last events.
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] simulation& time() noexcept;
    [[nodiscard]] memory::cluster& broker() noexcept;

private:
    struct parts;
    void check(const result<void>& answer) const;
    [[nodiscard]] bool are_sends_waiting();
    [[nodiscard]] message_producer make_topic(std::string_view name);
    bool drive(const std::function<bool()>& holds, duration limit);
    void do_what_is_due();
    void revive();
    [[nodiscard]] std::vector<std::string> instances_of(const std::string& service) const;

    std::unique_ptr<parts> parts_;
    std::size_t crashes_ = 0;
};

} // namespace corvid::testing

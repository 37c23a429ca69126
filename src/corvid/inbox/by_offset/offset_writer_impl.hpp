// SPDX-License-Identifier: Apache-2.0
//
// What stands behind an offset_writer; all of it on the database's loop, but for what has come and is not
// taken in yet. Internal.
#pragma once

#include <corvid/base/random.hpp>
#include <corvid/base/task_scope.hpp>
#include <corvid/inbox/by_offset/offset_writer.hpp>
#include <corvid/inbox/detail/mailbox.hpp>
#include <corvid/inbox/write_trouble.hpp>
#include <corvid/observe/metrics.hpp>

#include <unordered_map>
#include <vector>

namespace corvid {

// What became of one transaction.
struct run_report {
    std::optional<error> failed = {};
    std::optional<std::size_t> culprit = {}; // an effect
    bool at_row = false;                     // the row's own statements failed
    bool sent = true;
};

struct offset_writer::impl : std::enable_shared_from_this<impl> {
    impl(database& d, std::string name, sink to, const writer_settings& s, metrics* into,
         write_trouble* note);

    // Stays alive while a transaction of it is under way.
    struct assignment {
        handle name;
        partition_mark mark;
        bool row_known;
        inbox_detail::offset_run run;
    };
    using assignment_ptr = std::shared_ptr<assignment>;
    struct alarm : timer {
        explicit alarm(impl& i) noexcept
            : timer([](work& w) noexcept { static_cast<alarm&>(w).owner.turn(); }), owner(i) {}
        impl& owner;
    };
    // What threads hand in meets the loop here, in their order, a post for as much as comes until it runs.
    struct arrival {
        enum class kind : std::uint8_t {
            assign,
            revoke,
            expect,
            add,
            hand_in,
            complete,
            drop,
            take_back,
            cut,
            flush
        };
        kind what;
        handle of = 0;
        offset_effect effect = {};
        span records = {};
        assignment_ptr fresh = {};
    };
    using kind = arrival::kind;
    // Waits until the record at `at` is the next to be written, or cannot be, or for `patience`.
    struct its_turn : operation<its_turn, void> {
        its_turn(impl& i, assignment_ptr a, std::int64_t offset, duration p)
            : owner(i), of(std::move(a)), at(offset), patience(p), over(*this) {}
        struct limit : timer {
            explicit limit(its_turn& t) noexcept : timer(&limit::run_out), waits(t) {}
            static void run_out(work& w) noexcept;
            its_turn& waits;
        };
        bool start();
        void take() const noexcept {}
        [[nodiscard]] bool is_there() const;
        using operation::complete;
        impl& owner;
        assignment_ptr of;
        std::int64_t at;
        duration patience;
        limit over;
    };

    template <class F>
    void arrive(F&& put);
    void arrive_one(arrival one);
    void take_in();
    void take(arrival& each);
    void turn();
    /// False: nothing waits.
    bool show();
    void note(const std::optional<error>& failure) const;
    void wake_who_waits();
    void tell(assignment& of, news what);
    void give_back(handle of, std::uint64_t tag);
    [[nodiscard]] assignment_ptr find(handle of) const;

    static task<void> write(std::shared_ptr<impl> self, assignment_ptr of,
                            inbox_detail::offset_run::range run);
    task<result<run_report>> attempt(const assignment& of, const inbox_detail::offset_run::range& run);
    // A COMMIT without an answer: whether all below `last` is there. None: the row could not be read.
    task<std::optional<bool>> was_committed(const assignment& of, std::int64_t last);
    void settle(assignment& of, const inbox_detail::offset_run::range& run, const result<run_report>& report);
    // Another owner has moved the row.
    task<void> look_again(assignment& of, std::int64_t first, const error& why);
    void lose(assignment& of, const error& why);
    static task<void> read(std::shared_ptr<impl> self, partition_mark of,
                           std::function<void(result<std::optional<std::int64_t>>)> then);
    static task<result<std::shared_ptr<asked_batch>>> begin(std::shared_ptr<impl> self,
                                                            std::vector<stretch> all, duration patience);
    static task<void> end(std::shared_ptr<impl> self);

    database& db;
    const std::string group;
    const sink out;
    const writer_settings settings;
    const std::size_t limit;
    prng random;
    counter processed, duplicates, committed, troubled;
    gauge pending, oldest;
    histogram took;
    write_trouble* const trouble;
    inbox_detail::mailbox<arrival> arrived;
    std::unordered_map<handle, assignment_ptr> partitions;
    std::vector<its_turn*> waiters;
    std::size_t under_way = 0;
    alarm next_due{*this};
    task_scope writing;
    bool closing = false;
};

} // namespace corvid

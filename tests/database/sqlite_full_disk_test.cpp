// SPDX-License-Identifier: Apache-2.0
// A disk without space under the file of SQLite.
#include "exactly_once_harness.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace corvid::test {
namespace {

/// Takes the place of what SQLite writes with, which it offers for tests like this.
class full_disk {
public:
    full_disk() {
        vfs_->xSetSystemCall(vfs_, "write", reinterpret_cast<sqlite3_syscall_ptr>(&write_one));
        for (const char* name : {"pwrite", "pwrite64"})
            vfs_->xSetSystemCall(vfs_, name, reinterpret_cast<sqlite3_syscall_ptr>(&write_at));
    }
    ~full_disk() {
        is_full_ = false;
        vfs_->xSetSystemCall(vfs_, nullptr, nullptr);
    }
    full_disk(const full_disk&) = delete;
    full_disk& operator=(const full_disk&) = delete;

    static void set_full(bool is) { is_full_ = is; }

private:
    static bool refuses() {
        if (is_full_) errno = ENOSPC;
        return is_full_;
    }
    static ssize_t write_one(int file, const void* what, size_t size) {
        return refuses() ? -1 : ::write(file, what, size);
    }
    static ssize_t write_at(int file, const void* what, size_t size, off_t at) {
        return refuses() ? -1 : ::pwrite(file, what, size, at);
    }

    static inline std::atomic<bool> is_full_ = false;
    sqlite3_vfs* const vfs_ = sqlite3_vfs_find(nullptr);
};

class on_a_full_disk : public exactly_once_on_threads {
protected:
    void publish(corvid::service& by, int from, int to) {
        for (int n = from; n < to; ++n) {
            const std::string id = std::to_string(n);
            EXPECT_TRUE(by.producer().post(booked{.id = id, .account = "a" + id, .n = n}, {.event_id = id}));
        }
    }
    static std::string trouble_of(corvid::service& of) {
        const auto report = of.health().report(probe::readiness);
        for (const auto& check : report.checks)
            if (!check.status.ok) return check.status.detail;
        return "";
    }

    full_disk disk_;
};

TEST_F(on_a_full_disk, effects_wait_intake_stops_ready_is_red_and_nothing_is_skipped) {
    constexpr int before = 20, all = 4'000;
    std::atomic<int> handled = 0;
    corvid::service service{settings_of_service()};
    service.on<booked>("book",
                       [&](const booked& b, context&, unit_of_work& unit) {
                           ++handled;
                           record(unit, b.id);
                       },
                       {.concurrency = 20,
                        .intake = {.runnable_records = 100, .waiting_bytes = 16'384},
                        .exactly_once = in(*db_)});
    service.start();
    publish(service, 0, before);
    ASSERT_TRUE(until([&] { return marks_of_service() == before; }, 60s));
    EXPECT_EQ(trouble_of(service), "");

    full_disk::set_full(true);
    publish(service, before, all);
    ASSERT_TRUE(until([&] { return !trouble_of(service).empty(); }, 60s));
    EXPECT_NE(trouble_of(service).find("free space on the database's disk"), std::string::npos)
        << trouble_of(service);
    // Each of the six partitions may take a batch on top of its share of the budget.
    EXPECT_LE(handled, before + 100 + 6 * static_cast<int>(run::most)) << "intake goes on";
    EXPECT_EQ(marks_of_service(), before);

    full_disk::set_full(false);
    EXPECT_TRUE(until([&] { return marks_of_service() == all; }, 60s));
    EXPECT_TRUE(until([&] { return trouble_of(service).empty(); }, 60s)) << trouble_of(service);
    EXPECT_EQ(service.stop(), exit_code::clean);
    EXPECT_EQ(effects().size(), static_cast<std::size_t>(all));
    EXPECT_EQ(read<std::int64_t>("select count(distinct id) from effect").at(0), all);
    EXPECT_EQ(handled, all) << "a handler ran again for what the disk refused";
}

// With one attempt a record: each that counted would be a dead letter.
class waits_on_a_full_disk : public on_a_full_disk {
protected:
    template <class F>
    void expect_all_in_time(F subscribe) {
        constexpr int all = 60;
        corvid::service service{settings_of_service()};
        subscribe(service);
        service.start();
        full_disk::set_full(true);
        publish(service, 0, all);
        ASSERT_TRUE(until([&] { return refused_ > 3 * all; }, 60s)) << refused_;
        full_disk::set_full(false);
        EXPECT_TRUE(until([&] { return marks_of_service() == all; }, 60s));
        EXPECT_EQ(service.stop(), exit_code::clean);
        EXPECT_EQ(effects().size(), static_cast<std::size_t>(all)) << "some became dead letters";
    }

    std::atomic<int> refused_ = 0; // calls of handlers
};

TEST_F(waits_on_a_full_disk, what_a_batch_handler_recorded) {
    expect_all_in_time([&](corvid::service& service) {
        service.on_batch<booked>(
            "book",
            [&](std::span<const received<booked>> batch, batch_context&, unit_of_work& unit) {
                refused_ += static_cast<int>(batch.size());
                for (const auto& each : batch)
                    record(unit, each->id);
            },
            {.max = 10, .within = 5ms, .retry = {.limit = 1}, .exactly_once = in(*db_)});
    });
}

TEST_F(waits_on_a_full_disk, what_a_handler_that_asks_recorded) {
    expect_all_in_time([&](corvid::service& service) {
        service.on<booked>("book",
                           [&](const booked& b, context&, unit_of_work& unit) -> task<outcome> {
                               ++refused_;
                               auto before = co_await unit.query<std::int64_t>("select count(*) from effect");
                               if (!before) co_return retry(before.error());
                               record(unit, b.id);
                               co_return done;
                           },
                           {.retry = {.limit = 1}, .exactly_once = in(*db_)});
    });
}

} // namespace
} // namespace corvid::test

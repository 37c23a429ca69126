// SPDX-License-Identifier: Apache-2.0
// A service whose handlers publish through their units, and whose relay sends it.
#include "exactly_once_harness.hpp"
#include "outbox_harness.hpp"

#include <mutex>

namespace corvid::test {
namespace {

class outbox_in_service : public exactly_once_on_threads {
protected:
    static corvid::settings with_outbox() {
        corvid::settings s = settings_of_service();
        s.topics.push_back({.name = "test.invoice.issued", .partitions = 6});
        return s;
    }
    void came(const invoice_issued& issued, const context& record) {
        const std::lock_guard lock(mutex_);
        of_[issued.account].push_back(issued.n);
        if (record.causation_id() != issued.account + '-' + std::to_string(issued.n)) ++without_cause_;
        ++count_;
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }

    std::mutex mutex_;
    std::map<std::string, std::vector<int>> of_;
    std::size_t count_ = 0, without_cause_ = 0;
};

TEST_F(outbox_in_service, sends_what_good_handlers_published_once_and_in_order) {
    std::vector<int> good;
    for (int n = 0; n < each; ++n)
        if (!is_bad(n)) good.push_back(n);
    {
        corvid::service service{with_outbox()};
        service.on<booked>("book",
                           [](const booked& b, context&, unit_of_work& unit) {
                               unit.execute("insert into booking(account, n) values ($1, $2)", b.account,
                                            b.n);
                               corvid::publish(unit, invoice_issued{.account = b.account, .n = b.n});
                           },
                           {.retry = {.limit = 2}, .exactly_once = in(*db_)});
        service.on<invoice_issued>("issued", [this](const invoice_issued& i, context& ctx) { came(i, ctx); });
        service.relay(*db_);
        service.start();
        publish(service);
        (void)until([&] { return count() >= good.size() * accounts; }, 60s);
        EXPECT_EQ(service.stop(), exit_code::clean);
    }
    EXPECT_EQ(of_.size(), static_cast<std::size_t>(accounts));
    for (const auto& [account, its] : of_)
        EXPECT_EQ(its, good) << account;
    EXPECT_EQ(without_cause_, 0U);
}

TEST_F(outbox_in_service, shows_its_figures_under_their_names) {
    corvid::service service{with_outbox()};
    service.relay(*db_);
    service.start();
    unit_of_work unit;
    corvid::publish(unit, invoice_issued{.account = "a", .n = 1});
    ASSERT_TRUE(get(db_->write(std::move(unit))));
    EXPECT_TRUE(until([&] {
        return read<std::int64_t>("select count(*) from outbox_status where state = 'published'").at(0) > 0;
    }));
    const std::string shown = service.figures().to_text();
    for (const char* name : {"corvid_outbox_pending", "corvid_outbox_oldest_timestamp_seconds",
                             "corvid_outbox_published_total", "corvid_outbox_shards"})
        EXPECT_NE(shown.find(name), std::string::npos) << name << " is not in\n" << shown;
    EXPECT_EQ(service.stop(), exit_code::clean);
}

TEST_F(outbox_in_service, a_relay_that_cannot_work_or_comes_late_is_refused) {
    corvid::service service{with_outbox()};
    EXPECT_THROW(service.relay(*db_, {.in_flight = 0}), config_error);
    service.start();
    EXPECT_THROW(service.relay(*db_), config_error);
    EXPECT_EQ(service.stop(), exit_code::clean);
}

} // namespace
} // namespace corvid::test

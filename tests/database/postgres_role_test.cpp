// SPDX-License-Identifier: Apache-2.0
// What a service's role needs: to read, write and empty its tables, and nothing else.
#include "postgres_server.hpp"
#include "relay_harness.hpp"
#include <corvid/inbox/inbox.hpp>

namespace corvid::test {
namespace {

class narrow_role : public relaying {
protected:
    narrow_role() {
        inbox box(*db_, {.group = "billing"});
        EXPECT_TRUE(get(box.migrate()));
        run("create table effect(id text not null)");
        const std::string schema = read<std::string>("select current_schema()").at(0);
        role_ = schema + "_service";
        run("create role " + role_ + " login");
        run("grant usage on schema " + schema + " to " + role_);
        run("grant select, insert, update, delete, truncate on all tables in schema " + schema + " to " +
            role_);
        run("grant usage on all sequences in schema " + schema + " to " + role_);
        std::string url = here_->url();
        const auto from = url.find("//") + 2;
        url.replace(from, url.find('@') - from, role_);
        open([&](database_settings& s) { s.url = url; });
    }
    void TearDown() override {
        relays_.clear();
        db_.reset();
        const raw_connection admin = connect_raw(postgres_url());
        ask_raw(admin.get(), "drop owned by " + role_);
        ask_raw(admin.get(), "drop role " + role_);
    }

    std::string role_;
};

TEST_F(narrow_role, is_enough_to_start_to_process_and_to_send) {
    EXPECT_FALSE(get(db_->execute("create table another(id text)"))) << "the role may create tables";
    inbox box(*db_, {.group = "billing"});
    EXPECT_EQ(get(box.migrate()).value_or(-1), 0);
    outbox events(*db_);
    EXPECT_EQ(get(events.migrate()).value_or(-1), 0);
    const auto process = [&] {
        return on_loop(box.process_if_new("first", [](unit_of_work& unit) {
            unit.execute("insert into effect(id) values ($1)", "first");
            publish(unit, invoice_issued{.account = "a", .n = 1}, {.event_id = "a-1"});
        }));
    };
    for (int times = 0; times < 2; ++times) {
        const auto processed = process();
        ASSERT_TRUE(processed) << processed.error().describe();
    }
    EXPECT_EQ(read<std::string>("select id from effect"), std::vector<std::string>{"first"});
    relay sending(events, *out_, {}, nullptr, quiet());
    EXPECT_TRUE(wait_for_all_sent());
    EXPECT_EQ(records().size(), 1u);
}

} // namespace
} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness.hpp"
#include <corvid/message/message.hpp>
#include <corvid/outbox/outbox.hpp>
#include <corvid/outbox/publish.hpp>

namespace sample {
struct invoice_issued {
    std::string account;
    int n = 0; ///< counts up within its account
};
CORVID_MESSAGE(invoice_issued, (account, n), .topic = "test.invoice.issued", .key = &invoice_issued::account);

struct outbox_line {
    std::int64_t seq = 0;
    std::string id, state;
    std::optional<std::string> aggregate_id;
};
BOOST_DESCRIBE_STRUCT(outbox_line, (), (seq, id, state, aggregate_id))
} // namespace sample

namespace corvid::test {

using sample::invoice_issued;
using sample::outbox_line;

class outbox_test : public database_test {
protected:
    outbox_test() {
        open([](database_settings& s) { s.pool_size = 6; });
        outbox box(*db_);
        EXPECT_EQ(get(box.migrate()).value_or(-1), 2);
        EXPECT_EQ(get(box.migrate()).value_or(-1), 0);
    }

    static unit_of_work with(const std::string& account, int n) {
        unit_of_work unit;
        publish(unit, invoice_issued{.account = account, .n = n},
                {.event_id = account + '-' + std::to_string(n)});
        return unit;
    }
    void commit(const std::string& account, int n) {
        auto written = get(db_->write(with(account, n)));
        EXPECT_TRUE(written) << written.error().describe();
    }
    std::vector<outbox_line> lines() {
        return read<outbox_line>("select seq, id, state, aggregate_id from outbox_status order by seq");
    }
    [[nodiscard]] std::size_t count_of(const std::string& state) {
        return static_cast<std::size_t>(
            read<std::int64_t>("select count(*) from outbox_status where state = $1", state).at(0));
    }
};

} // namespace corvid::test

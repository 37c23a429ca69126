// SPDX-License-Identifier: Apache-2.0
// A server of the test's own, killed, restarted, and full.
#include "harness.hpp"
#include "postgres_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace corvid::test {
namespace {

using namespace std::chrono_literals;

class own_server {
public:
    explicit own_server(const std::string& options = {}) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "corvid-own-postgres.XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
        url_ = command("start", options);
    }
    ~own_server() { command("stop", "--purge"); }
    own_server(const own_server&) = delete;
    own_server& operator=(const own_server&) = delete;

    /// What scripts/postgres prints.
    std::string command(const std::string& verb, const std::string& options = {}) {
        const std::string line = CORVID_SCRIPTS "/postgres " + verb + " --dir " + directory_ + " " + options +
                                 " 2>>" + directory_ + "/script.log";
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(line.c_str(), "r"), &pclose);
        std::array<char, 256> text{};
        if (!pipe || (!std::fgets(text.data(), text.size(), pipe.get()) && verb == "start"))
            throw std::runtime_error(line + " failed; see script.log there");
        std::string answer(text.data());
        return answer.substr(0, answer.find('\n'));
    }
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    std::string directory_, url_;
};

class postgres_outage : public database_test {
protected:
    // Three times killed and started; each time the writers must get on within 10 s.
    void outages(own_server& server, const std::vector<std::int64_t>& done);

    struct steps {
        // Writes 1, 2, 3, … until told to stop, each again until it is known to be there.
        static task<void> write_on(database& db, std::int64_t first, const std::atomic<bool>& stop,
                                   std::vector<std::int64_t>& done, int& failures) {
            for (std::int64_t id = first; !stop.load();) {
                unit_of_work unit;
                unit.execute("insert into t values ($1) on conflict do nothing", id);
                auto call = db.write(std::move(unit));
                auto written = co_await call;
                if (written) {
                    done.push_back(id);
                    id += 10;
                    continue;
                }
                ++failures;
                EXPECT_EQ(written.error().kind(), error_kind::retriable) << written.error().describe();
            }
        }
        static task<void> wait() { co_await sleep(300ms); }
        static task<void> set(std::atomic<bool>& flag) {
            flag = true;
            co_return;
        }
        static task<std::size_t> count(const std::vector<std::int64_t>& list) { co_return list.size(); }
    };
};

void postgres_outage::outages(own_server& server, const std::vector<std::int64_t>& done) {
    for (int round = 0; round < 3; ++round) {
        on_loop(steps::wait());
        server.command("kill");
        server.command("start");
        const auto before = on_loop(steps::count(done));
        const auto began = root_.steady_now();
        while (on_loop(steps::count(done)) == before && root_.steady_now() - began < 10s)
            on_loop(steps::wait());
        EXPECT_GT(on_loop(steps::count(done)), before) << "no recovery within 10 s";
    }
}

TEST_F(postgres_outage, a_killed_server_costs_nothing_that_was_acknowledged_and_the_pool_comes_back) {
    own_server server;
    open([&](database_settings& s) {
        s.url = server.url();
        s.pool_size = 4;
        s.acquire_timeout = 500ms;
    });
    run("create table t(id bigint primary key)");
    std::vector<std::int64_t> done;
    int failures = 0;
    std::atomic<bool> stop = false;
    task_scope writers;
    for (std::int64_t writer = 1; writer <= 8; ++writer)
        writers.spawn(client_->loop(), steps::write_on(*db_, writer, stop, done, failures));
    const auto join = [&] {
        on_loop(steps::set(stop));
        writers.wait(root_);
    };
    try {
        outages(server, done);
    } catch (...) {
        join();
        throw;
    }
    join();
    std::ranges::sort(done);
    EXPECT_GT(failures, 0);
    EXPECT_EQ(read<std::int64_t>("select id from t order by id"), done);
    db_.reset();
}

TEST_F(postgres_outage, a_server_without_free_connections_is_used_with_those_it_gave) {
    own_server server(
        "--set max_connections=6 --set superuser_reserved_connections=0 --set max_wal_senders=0");
    open([&](database_settings& s) {
        s.url = server.url();
        s.pool_size = 20;
        s.acquire_timeout = 10s;
    });
    run("create table t(id bigint primary key)");
    struct each {
        static task<void> write(database& db, std::int64_t id, int& failures) {
            unit_of_work unit;
            unit.execute("insert into t values ($1)", id);
            auto call = db.write(std::move(unit));
            if (!co_await call) ++failures;
        }
    };
    int failures = 0;
    task_scope scope;
    for (std::int64_t id = 0; id < 200; ++id)
        scope.spawn(client_->loop(), each::write(*db_, id, failures));
    scope.wait(root_);
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(read<std::int64_t>("select count(*) from t"), std::vector<std::int64_t>{200});
    db_.reset();
}

} // namespace
} // namespace corvid::test

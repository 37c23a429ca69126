// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/redis/redis.hpp>

#include <corvid/store/redis/detail/connection.hpp>

#include <utility>

namespace corvid {

namespace {

using store::redis_detail::command;
using store::redis_detail::connection;

redis_settings checked(redis_settings settings) {
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    return settings;
}

} // namespace

result<void> validate(const redis_settings& settings) {
    if (auto url = store::redis_detail::parse_url(settings.url); !url) return fail(std::move(url.error()));
    if (settings.connect_timeout.count() <= 0 || settings.command_deadline.count() <= 0)
        return fail(errc::invalid_setting,
                    {.message = "redis.connect_timeout or redis.command_deadline is not above 0"});
    return {};
}

struct redis::impl {
    impl(scheduler& threads, redis_settings given)
        : root(threads),
          settings(checked(std::move(given))),
          thread(threads.run_thread(settings.name, [](scheduler&) {})),
          link(thread->loop(), settings) {}

    // A command until its answer. On the loop.
    struct pending : operation<pending, result<redis_reply>> {
        pending(impl& i, command c) noexcept : owner(i), words(std::move(c)) {}
        bool start() {
            if (owner.closing) {
                answer = fail(errc::stopped, {.operation = "redis"});
                return false;
            }
            owner.queued.push_back(this);
            if (!std::exchange(owner.driving, true)) owner.driver.spawn(owner.thread->loop(), drive(owner));
            return true;
        }
        result<redis_reply> take() noexcept { return std::move(answer); }
        using operation::complete;
        impl& owner;
        command words;
        result<redis_reply> answer = redis_reply{};
    };

    static task<result<redis_reply>> ask(impl& self, command words) {
        pending one(self, std::move(words));
        co_return co_await one;
    }
    // Sends what has gathered, hands out the answers, until nothing is left.
    static task<void> drive(impl& self) {
        while (!self.queued.empty()) {
            const auto batch = std::exchange(self.queued, {});
            std::vector<command> commands;
            for (pending* each : batch)
                commands.push_back(std::move(each->words));
            auto answers = co_await self.link.exchange(commands);
            for (std::size_t i = 0; i < batch.size(); ++i) {
                batch[i]->answer = std::move(answers[i]);
                batch[i]->complete();
            }
        }
        self.driving = false;
    }
    static task<void> end(impl& self) {
        self.closing = true;
        if (auto failure = co_await self.driver.join()) std::rethrow_exception(failure);
        self.link.drop(); // what the loop watches is taken from it on the loop
    }

    scheduler& root;
    const redis_settings settings;
    std::unique_ptr<loop_thread> thread;
    connection link;
    std::vector<pending*> queued;
    bool driving = false, closing = false;
    task_scope calls, driver;
};

redis::redis(scheduler& threads, redis_settings settings)
    : impl_(std::make_unique<impl>(threads, std::move(settings))) {}

redis::~redis() { close(); }

database_call<redis_reply> redis::ask(std::vector<std::string> words) {
    return {call_home{&impl_->thread->loop(), &impl_->calls}, impl::ask(*impl_, std::move(words))};
}

void redis::close() {
    wait_for(impl_->root, impl_->thread->loop(), impl::end(*impl_));
    impl_->calls.wait(impl_->root);
}

scheduler& redis::loop() noexcept { return impl_->thread->loop(); }

} // namespace corvid

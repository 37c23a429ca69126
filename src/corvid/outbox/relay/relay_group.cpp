// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/relay_group.hpp>

namespace corvid::outbox_detail {

void relay_group::add(database& from, relay_settings settings, bool started) {
    if (started)
        throw config_error(error(errc::invalid_argument, {.message = "a relay comes before start()"}));
    if (auto valid = validate(settings); !valid) throw config_error(std::move(valid.error()));
    wishes_.push_back({&from, std::move(settings)});
}

void relay_group::open(publisher& out, metrics& figures, const logger& log) {
    struct steps {
        static task<result<int>> make(outbox& box) {
            auto making = box.migrate();
            co_return co_await making;
        }
    };
    for (const wish& each : wishes_) {
        outbox& box = *boxes_.emplace_back(std::make_unique<outbox>(*each.from));
        if (auto made = wait_for(each.from->threads(), each.from->loop(), steps::make(box)); !made)
            throw config_error(std::move(made.error()));
        relays_.push_back(std::make_unique<relay>(box, out, each.settings, &figures, log));
    }
}

void relay_group::close() {
    relays_.clear();
    boxes_.clear();
}

} // namespace corvid::outbox_detail

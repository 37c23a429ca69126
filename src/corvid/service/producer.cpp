// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/producer.hpp>

namespace corvid {

detail::producer_parts::producer_parts(const settings& from, producer_settings how)
    : running(std::make_unique<runtime>(from)),
      publishes(std::make_unique<publisher>(running->cluster(), running->root(), std::move(how))) {}

detail::producer_parts::~producer_parts() = default;

result<void> producer::flush_and_wait() {
    auto flushing = [](publisher& p) -> task<result<void>> { co_return co_await p.flush(); };
    return wait(flushing(*publishes));
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/operation.hpp>

namespace corvid::detail {

namespace {
thread_local post_batch* open_batch = nullptr;
}

post_batch::post_batch() noexcept : outer_(open_batch) { open_batch = this; }

post_batch::~post_batch() {
    open_batch = outer_;
    nodes_.flush();
}

void post_resumption(scheduler& home, work& node) noexcept {
    post_batch* batch = open_batch;
    if (!batch) return home.post(node);
    batch->nodes_.push(home, node);
}

} // namespace corvid::detail

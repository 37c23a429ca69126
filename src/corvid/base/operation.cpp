// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/operation.hpp>

namespace corvid::detail {

namespace {
thread_local post_batch* open_batch = nullptr;
}

post_batch::post_batch() noexcept : outer_(open_batch) { open_batch = this; }

post_batch::~post_batch() {
    open_batch = outer_;
    flush();
}

void post_batch::flush() noexcept {
    if (home_) home_->post(std::move(nodes_));
    home_ = nullptr;
}

void post_resumption(scheduler& home, work& node) noexcept {
    post_batch* batch = open_batch;
    if (!batch) return home.post(node);
    if (batch->home_ != &home) batch->flush();
    batch->home_ = &home;
    batch->nodes_.push(node);
}

} // namespace corvid::detail

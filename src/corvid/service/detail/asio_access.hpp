// SPDX-License-Identifier: Apache-2.0
//
// asio_access: the io_context of a threaded loop, for the parts of service/ that speak Asio (HTTP, signals).
// What is started on it completes on the loop's thread, between nodes. Internal.
#pragma once

#include <corvid/base/scheduler.hpp>

#include <boost/asio/io_context.hpp>

namespace corvid::detail {

struct asio_access {
    /// Throws std::logic_error if `loop` is not threaded. The context ends with the loop: operations that are
    /// then under way are destroyed, not completed.
    [[nodiscard]] static boost::asio::io_context& context(scheduler& loop);
};

} // namespace corvid::detail

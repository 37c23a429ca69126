// SPDX-License-Identifier: Apache-2.0
//
// result<T>: a value, or the error that stands in its place. Expected failures travel here; exceptions are
// for broken preconditions.
#pragma once

#include <corvid/base/error.hpp>

#include <expected>
#include <utility>

namespace corvid {

template <class T>
using result = std::expected<T, error>;

/// `return fail(errc::unknown_topic, {.message = …, .topic = …});`
[[nodiscard]] inline std::unexpected<error> fail(errc code, error_details details = {}) {
    return std::unexpected<error>(error(code, std::move(details)));
}

[[nodiscard]] inline std::unexpected<error> fail(error why) { return std::unexpected<error>(std::move(why)); }

} // namespace corvid

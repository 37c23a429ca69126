// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/service.hpp>

namespace corvid {

subscription_options batch_options::as_subscription() && {
    return {.group = std::move(group),
            .topics = std::move(topics),
            .pattern = std::move(pattern),
            .order = order,
            .key = std::move(key),
            .concurrency = concurrency,
            .retry = retry,
            .retry_topics = std::move(retry_topics),
            .gives_up_order = gives_up_order,
            .rejected = rejected,
            .classify = std::move(classify),
            .intake = intake,
            .window = window,
            .batch = batch_limits{.max = max, .within = within, .bytes = bytes}};
}

} // namespace corvid

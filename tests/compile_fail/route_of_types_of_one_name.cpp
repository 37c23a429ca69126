// SPDX-License-Identifier: Apache-2.0
// expect: corvid: two messages of this route have the same event_type
#include <corvid/consume/shapes/router.hpp>
#include <corvid/message/message.hpp>

struct liked {
    std::string post;
};
CORVID_MESSAGE(liked, (post), .topic = "feed.events");

corvid::task_scope tasks;
auto to_nowhere = [](std::unique_ptr<corvid::handler>, bool) {};

namespace old {
struct liked {
    std::string post;
};
CORVID_MESSAGE(liked, (post), .topic = "feed.events");
} // namespace old

void alike() {
    corvid::routes(tasks, to_nowhere)
        .on<liked>([](const liked&) {})
        .on<old::liked>([](const old::liked&) {})
        .otherwise(corvid::skip);
}

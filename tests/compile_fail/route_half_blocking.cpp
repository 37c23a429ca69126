// SPDX-License-Identifier: Apache-2.0
// expect: corvid: either all handlers of a route are corvid::blocking, or none is
#include <corvid/consume/shapes/router.hpp>
#include <corvid/message/message.hpp>

struct liked {
    std::string post;
};
CORVID_MESSAGE(liked, (post), .topic = "feed.events");

corvid::task_scope tasks;
auto to_nowhere = [](std::unique_ptr<corvid::handler>, bool) {};

struct shared {
    std::string post;
};
CORVID_MESSAGE(shared, (post), .topic = "feed.events");

void mixed() {
    corvid::routes(tasks, to_nowhere)
        .on<liked>([](const liked&) {})
        .on<shared>(corvid::blocking([](const shared&) {}))
        .otherwise(corvid::skip);
}

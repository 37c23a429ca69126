// SPDX-License-Identifier: Apache-2.0
// expect: corvid: this route has a handler of that message already
#include <corvid/consume/shapes/router.hpp>
#include <corvid/message/message.hpp>

struct liked {
    std::string post;
};
CORVID_MESSAGE(liked, (post), .topic = "feed.events");

corvid::task_scope tasks;
auto to_nowhere = [](std::unique_ptr<corvid::handler>, bool) {};

void twice() {
    corvid::routes(tasks, to_nowhere)
        .on<liked>([](const liked&) {})
        .on<liked>([](const liked&) {})
        .otherwise(corvid::skip);
}

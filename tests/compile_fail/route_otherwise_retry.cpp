// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a record of an unknown type does not get known by a retry
#include <corvid/consume/shapes/router.hpp>
#include <corvid/message/message.hpp>

struct liked {
    std::string post;
};
CORVID_MESSAGE(liked, (post), .topic = "feed.events");

corvid::task_scope tasks;
auto to_nowhere = [](std::unique_ptr<corvid::handler>, bool) {};

void again() {
    corvid::routes(tasks, to_nowhere).on<liked>([](const liked&) {}).otherwise(corvid::retry);
}

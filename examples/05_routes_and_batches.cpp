// SPDX-License-Identifier: Apache-2.0
//
// 5. Routes and batches: several types of events on one topic, each with its handler; many records at a call.
//
//   example_05_routes_and_batches [HOST:PORT]     without a broker: on one inside the process
//
// Prints: 40 likes, 10 comments, 1 other; 51 archived in 1 batch
#include <corvid/message/message.hpp>
#include <corvid/service/service.hpp>

#include <atomic>
#include <functional>
#include <iostream>

// [messages]
struct feed_liked {
    std::string post;
};
CORVID_MESSAGE(feed_liked, (post), .topic = "feed.events", .key = &feed_liked::post, .event_type = "liked");

struct feed_commented {
    std::string post, text;
};
CORVID_MESSAGE(feed_commented, (post, text), .topic = "feed.events", .key = &feed_commented::post,
               .event_type = "commented");

struct feed_shared {
    std::string post;
};
CORVID_MESSAGE(feed_shared, (post), .topic = "feed.events", .key = &feed_shared::post,
               .event_type = "shared");
// [messages]

/// What all events of the feed have in common.
struct feed_event {
    std::string post;
};
CORVID_MESSAGE(feed_event, (post), .topic = "feed.events", .key = &feed_event::post);

namespace {

using namespace std::chrono_literals;

constexpr int events = 51;

corvid::settings settings_for(const std::string& broker) {
    corvid::settings s{.service = "feed-board",
                       .kafka = {.bootstrap = broker},
                       .topics = {{.name = "feed.events", .partitions = 6}}};
    s.http.listen = "127.0.0.1:0";
    s.log.level = corvid::log_level::warn;
    return s;
}

template <corvid::Message T>
void publish(corvid::service& service, const T& event) {
    if (auto posted = service.producer().post(event); !posted) std::cerr << posted.error().describe() << '\n';
}

int consume(const std::string& broker) {
    int likes = 0, comments = 0, others = 0, batches = 0;
    std::size_t archived = 0;
    std::atomic<int> seen = 0;
    std::function<void(int)> note; // the example ends when all was seen; a service runs until SIGTERM

    corvid::service service{settings_for(broker)};
    note = [&](int more) {
        if ((seen += more) == 2 * events) service.request_stop();
    };

    // [route]
    service.route("feed", "feed.events")
        .on<feed_liked>([&](const feed_liked&) { ++likes, note(1); })
        .on<feed_commented>([&](const feed_commented&) { ++comments, note(1); })
        .otherwise([&](std::string_view, corvid::context&) { ++others, note(1); }); // or corvid::dead_letter
    // [route]

    // [batch]
    service.on_batch<feed_event>("archive",
                                 [&](std::span<const corvid::received<feed_event>> batch) {
                                     ++batches;
                                     archived += batch.size(); // one write to a store for all of them
                                     note(static_cast<int>(batch.size()));
                                 },
                                 {.max = events, .within = 10s});
    // [batch]

    for (int i = 0; i < 50; ++i) {
        const std::string post = "post" + std::to_string(i % 7);
        if (i % 5 == 0)
            publish(service, feed_commented{.post = post, .text = "well said"});
        else
            publish(service, feed_liked{.post = post});
    }
    publish(service, feed_shared{.post = "post3"});

    const int code = service.run();
    std::cout << likes << " likes, " << comments << " comments, " << others << " other; " << archived
              << " archived in " << batches << (batches == 1 ? " batch\n" : " batches\n");
    return code;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return consume(count > 1 ? arguments[1] : "memory:");
    } catch (const corvid::config_error& wrong) {
        std::cerr << wrong.why().describe() << '\n';
        return 2;
    }
}

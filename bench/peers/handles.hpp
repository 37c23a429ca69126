// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <utility>

/// librdkafka's handles as owners, and a configuration that ends the program on a property it does not know.
namespace corvid::bench {

template <auto Destroy>
struct destroyer {
    template <class Handle>
    void operator()(Handle* handle) const {
        Destroy(handle);
    }
};

using client = std::unique_ptr<rd_kafka_t, destroyer<rd_kafka_destroy>>;
using topic_handle = std::unique_ptr<rd_kafka_topic_t, destroyer<rd_kafka_topic_destroy>>;
using queue_handle = std::unique_ptr<rd_kafka_queue_t, destroyer<rd_kafka_queue_destroy>>;
using event_handle = std::unique_ptr<rd_kafka_event_t, destroyer<rd_kafka_event_destroy>>;
using partition_list =
    std::unique_ptr<rd_kafka_topic_partition_list_t, destroyer<rd_kafka_topic_partition_list_destroy>>;

[[noreturn]] inline void die(const char* what, const char* why) {
    std::fprintf(stderr, "bench: %s: %s\n", what, why);
    std::exit(1);
}

class configuration {
public:
    configuration(std::initializer_list<std::pair<const char*, const char*>> properties)
        : conf_(rd_kafka_conf_new()) {
        for (const auto& [name, value] : properties)
            set(name, value);
    }
    ~configuration() {
        if (conf_) rd_kafka_conf_destroy(conf_);
    }
    configuration(const configuration&) = delete;
    configuration& operator=(const configuration&) = delete;

    void set(const char* name, const char* value) {
        char why[256];
        if (rd_kafka_conf_set(conf_, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) die(name, why);
    }
    [[nodiscard]] rd_kafka_conf_t* get() const { return conf_; }
    [[nodiscard]] client make(rd_kafka_type_t type) {
        char why[256];
        client made(rd_kafka_new(type, conf_, why, sizeof why));
        if (!made) die("rd_kafka_new", why);
        conf_ = nullptr;
        return made;
    }

private:
    rd_kafka_conf_t* conf_;
};

} // namespace corvid::bench

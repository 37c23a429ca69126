// SPDX-License-Identifier: Apache-2.0
//
// settings: all that a service can be told. Each value comes, later ones winning, from its default, from the
// YAML file, from the environment (`CORVID_` + its path: kafka.bootstrap is CORVID_KAFKA_BOOTSTRAP; a
// librdkafka property is CORVID_KAFKA_PROPERTIES_<PROPERTY>), or from code, since these are plain aggregates:
//
//   corvid::service service{corvid::settings::load("corvid.yaml")};
//   corvid::settings mine{.service = "billing", .kafka = {.bootstrap = "broker:9092"}};
//
// In the file, `${NAME}`, `${NAME:default}` and `${file:/run/secrets/x}` stand for a variable and for the
// text of a file;
// `$${` is a plain `${`. Durations are written 200ms, 5s, 20m, 7d; sizes 512KiB, 16MiB. What is not known or
// of the wrong type is refused with file, line and column and the nearest name. One table
// (detail/settings_table.cpp) drives reading, names in the environment, describe() and
// docs/reference/settings.md.
#pragma once

#include <corvid/base/result.hpp>
#include <corvid/broker/cluster.hpp>
#include <corvid/observe/log.hpp>
#include <corvid/observe/secret.hpp>
#include <corvid/service/http_settings.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

using environment = std::map<std::string, std::string, std::less<>>;

/// The variables of this process.
[[nodiscard]] environment process_environment();

/// Whether a member that restarts gets what it had, and nobody else notices: Kafka's static membership.
enum class membership : std::uint8_t { dynamic, fixed };

struct kafka_settings {
    std::string bootstrap = "localhost:9092";
    std::string client_id = {}; ///< empty: the name of the service
    std::string group = "{service}.{subscription}";
    corvid::membership membership = corvid::membership::dynamic;
    std::string instance = {}; ///< with fixed: of all instances only this one's; the id is {group}.{instance}
    broker::offset_reset offset_reset = broker::offset_reset::earliest;
    broker::isolation isolation = broker::isolation::read_committed;
    std::string assignor = "range";
    std::chrono::milliseconds session_timeout{45'000};
    std::chrono::milliseconds max_poll_interval{300'000};
    std::uint32_t prefetch_records = 100'000;           ///< fetching of a partition rests while so many wait
    std::uint64_t prefetch_bytes = 16'777'216;          ///< … or so much
    std::uint32_t suspect_after = 3;                    ///< starts without progress; 0: they are not counted
    std::map<std::string, std::string> properties = {}; ///< librdkafka's, by name; win (kafka/cluster.hpp)
    // What corvid refuses unless it is told to take it; see kafka::connection_settings.
    bool allow_insecure = false;
    bool allow_unsafe_assignor = false;
    bool allow_refused_version = false;
    bool keep_freed_memory = true;
};

struct produce_settings {
    bool idempotent = true;
    broker::acknowledgements acks = broker::acknowledgements::all;
    std::chrono::milliseconds linger{5};
    std::uint32_t batch_records = 10'000;
    std::uint64_t batch_bytes = 1'000'000;
    std::string compression = "lz4";
    std::chrono::milliseconds request_timeout{5'000};
    std::chrono::milliseconds message_timeout{120'000};
    std::uint64_t max_record_bytes = 1'000'000;
    std::uint32_t in_flight = 20'000; ///< records; a sender beyond it waits
    std::uint64_t in_flight_bytes = 33'554'432;
};

/// Of service::database(); see store/settings.hpp.
struct database_address {
    secret url = {}; ///< empty: no database
    std::uint32_t pool_size = 4;
    std::chrono::milliseconds acquire_timeout{5'000};
    std::chrono::milliseconds statement_deadline{10'000};
    std::chrono::milliseconds lock_timeout{5'000};
};

enum class cleanup_policy : std::uint8_t { remove, compact, compact_and_remove };

/// A topic as it shall be. corvid never creates topics by itself.
struct topic_settings {
    std::string name = {};
    std::uint32_t partitions = 1;
    std::uint32_t replication = 1;
    std::optional<std::chrono::milliseconds> retention = {}; ///< none: the broker's
    cleanup_policy cleanup = cleanup_policy::remove;
};

struct shutdown_settings {
    /// For what runs, once intake has stopped; at the end as long once more for what was sent and is not
    /// answered.
    std::chrono::milliseconds drain{20'000};
    std::chrono::milliseconds grace{5'000}; ///< for handlers that were asked to stop, after that
};

struct thread_settings {
    std::uint32_t workers = 0;   ///< for handlers, shared by all subscriptions; 0: one a core
    std::uint32_t blocking = 16; ///< for corvid::blocking handlers; started with the first of them
};

struct settings {
    std::string service = "corvid";
    kafka_settings kafka = {};
    produce_settings produce = {};
    database_address database = {};
    http_settings http = {};
    log_settings log = {};
    std::vector<topic_settings> topics = {};
    thread_settings threads = {};
    shutdown_settings shutdown = {};
    /// Where a value came from, by path: `corvid.yaml:3:9` or the name of a variable. Absent: the default, or
    /// code.
    std::map<std::string, std::string, std::less<>> origins = {};

    /// File, then environment, then validate(). Throws config_error; try_load answers the same error instead:
    /// settings_unreadable, unknown_setting, invalid_setting, secret_unreadable, conflicting_settings,
    /// invalid_name.
    [[nodiscard]] static settings load(const std::filesystem::path& file,
                                       const environment& variables = process_environment());
    [[nodiscard]] static result<settings> try_load(const std::filesystem::path& file,
                                                   const environment& variables = process_environment());
    /// The same from text (empty: environment alone); errors call it `name`.
    [[nodiscard]] static result<settings> parse(std::string_view yaml, std::string_view name,
                                                const environment& variables);

    /// Whether the values can work together; an error's sentence names both settings that clash.
    [[nodiscard]] result<void> validate() const;

    /// Every value with its path and origin, a line each, secrets redacted: what a service logs when it
    /// starts.
    [[nodiscard]] std::string describe() const;

    /// The consumer group of a subscription, as kafka.group says.
    [[nodiscard]] std::string group_of(std::string_view subscription) const;
};

/// What broker clients are opened with. Group and topics, where there are any, are the caller's.
[[nodiscard]] broker::source_settings source_settings_of(const settings& from);
[[nodiscard]] broker::sink_settings sink_settings_of(const settings& from);
[[nodiscard]] broker::topic_spec topic_spec_of(const topic_settings& from);

/// docs/reference/settings.md.
void write_settings_reference(std::ostream& out);

} // namespace corvid

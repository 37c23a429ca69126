// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/detail/settings_table.hpp>

#include <corvid/service/detail/setting_text.hpp>

#include <array>

namespace corvid::detail {

namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t any_size = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t day = 86'400'000;

constexpr std::array reset_names = {"earliest"sv, "latest"sv, "error"sv};
constexpr std::array membership_names = {"dynamic"sv, "static"sv};
constexpr std::array isolation_names = {"read_committed"sv, "read_uncommitted"sv};
constexpr std::array assignor_names = {"range"sv, "roundrobin"sv, "cooperative-sticky"sv};
constexpr std::array acks_names = {"none"sv, "leader"sv, "all"sv};
constexpr std::array compression_names = {"none"sv, "gzip"sv, "snappy"sv, "lz4"sv, "zstd"sv};
constexpr std::array level_names = {"trace"sv, "debug"sv,    "info"sv, "warn"sv,
                                    "error"sv, "critical"sv, "off"sv};
constexpr std::array format_names = {"json"sv, "human"sv};
constexpr std::array cleanup_names = {"delete"sv, "compact"sv, "compact,delete"sv};

template <class Owner, auto Get>
constexpr choice<Owner> choice_of = {[](Owner& of) { return static_cast<std::size_t>(Get(of)); },
                                     [](Owner& of, std::size_t index) {
                                         Get(of) =
                                             static_cast<std::remove_reference_t<decltype(Get(of))>>(index);
                                     }};

#define CORVID_VALUE_OF(owner, type, expression) \
    member<owner, type>([](owner& s) -> type& { return s.expression; })
#define CORVID_CHOICE_OF(owner, expression) choice_of<owner, [](owner& s) -> auto& { return s.expression; }>
#define CORVID_TEXT(expression) CORVID_VALUE_OF(settings, std::string, expression)
#define CORVID_SECRET(expression) CORVID_VALUE_OF(settings, secret, expression)
#define CORVID_FLAG(expression) CORVID_VALUE_OF(settings, bool, expression)
#define CORVID_NUMBER(expression) CORVID_VALUE_OF(settings, std::uint32_t, expression)
#define CORVID_SIZE(expression) CORVID_VALUE_OF(settings, std::uint64_t, expression)
#define CORVID_TIME(expression) CORVID_VALUE_OF(settings, std::chrono::milliseconds, expression)
#define CORVID_CHOICE(expression) CORVID_CHOICE_OF(settings, expression)

using texts = std::vector<std::string>;
using pairs = std::map<std::string, std::string>;
using optional_time = std::optional<std::chrono::milliseconds>;

constexpr setting_row<settings> service_rows[] = {
    {"service", CORVID_TEXT(service),
     "Name of the service: groups, client ids, metrics and logs carry it. Segments of [a-z0-9-] joined "
     "by dots."},

    {"kafka.bootstrap", CORVID_TEXT(kafka.bootstrap),
     "Brokers to begin with, `host:port`, joined by commas."},
    {"kafka.client_id", CORVID_TEXT(kafka.client_id),
     "How brokers call this client in their logs and quotas; empty: the name of the service."},
    {"kafka.group", CORVID_TEXT(kafka.group),
     "Consumer group of a subscription. `{service}` and `{subscription}` stand for their names."},
    {"kafka.membership", CORVID_CHOICE(kafka.membership),
     "`static`: an instance that restarts within kafka.session_timeout gets back what it had, and no other "
     "notices; its partitions stand still meanwhile, also when it is stopped for good.",
     membership_names},
    {"kafka.instance", CORVID_TEXT(kafka.instance),
     "With static membership: a name that only this instance has and keeps when it restarts, such as a "
     "StatefulSet's pod name. The group knows the member as `{service}.{subscription}.{instance}`."},
    {"kafka.offset_reset", CORVID_CHOICE(kafka.offset_reset),
     "Where to read from when the group has no committed offset; `error` stops that partition instead.",
     reset_names},
    {"kafka.isolation", CORVID_CHOICE(kafka.isolation),
     "Whether records of open and aborted transactions are seen.", isolation_names},
    {"kafka.assignor", CORVID_TEXT(kafka.assignor),
     "How partitions are shared out among members. `cooperative-sticky` loses commits below librdkafka "
     "2.10.",
     assignor_names},
    {"kafka.session_timeout",
     CORVID_TIME(kafka.session_timeout),
     "A member that is silent for so long loses its partitions. Below kafka.max_poll_interval.",
     {},
     1'000,
     day},
    {"kafka.max_poll_interval",
     CORVID_TIME(kafka.max_poll_interval),
     "A member whose loop stands still for so long loses its partitions.",
     {},
     1'000,
     day},
    {"kafka.prefetch_records",
     CORVID_NUMBER(kafka.prefetch_records),
     "Records fetched ahead: fetching of a partition rests while so many wait.",
     {},
     1,
     10'000'000},
    {"kafka.prefetch_bytes",
     CORVID_SIZE(kafka.prefetch_bytes),
     "Bytes fetched ahead: fetching of a partition rests while so many wait.",
     {},
     1'024,
     2'097'151 * 1'024ULL},
    {"kafka.suspect_after",
     CORVID_NUMBER(kafka.suspect_after),
     "From so many starts without progress on, records run one at a time until the one that kills the "
     "process is found and put elsewhere; at least 2. 0: starts are not counted.",
     {},
     0,
     1'000},
    {"kafka.properties", CORVID_VALUE_OF(settings, pairs, kafka.properties),
     "Any librdkafka property by its own name; wins over the settings above. What corvid's guarantees "
     "rest on (enable.auto.commit, partitioner, …) is refused with another value."},
    {"kafka.allow_insecure", CORVID_FLAG(kafka.allow_insecure),
     "Takes SASL passwords without TLS, and TLS that does not verify the broker."},
    {"kafka.allow_unsafe_assignor", CORVID_FLAG(kafka.allow_unsafe_assignor),
     "Takes cooperative-sticky on a librdkafka below 2.10.0, which loses assignments."},
    {"kafka.allow_refused_version", CORVID_FLAG(kafka.allow_refused_version),
     "Takes a librdkafka that is known to lose records or to crash."},
    {"kafka.keep_freed_memory", CORVID_FLAG(kafka.keep_freed_memory),
     "The process keeps the memory that fetches free (glibc), which saves a tenth of a consumer's CPU."},

    {"produce.idempotent", CORVID_FLAG(produce.idempotent),
     "The broker drops what a retry sent twice, and keeps the order."},
    {"produce.acks", CORVID_CHOICE(produce.acks), "Who must have a record before it counts as sent.",
     acks_names},
    {"produce.linger",
     CORVID_TIME(produce.linger),
     "How long a record waits for others to share its batch.",
     {},
     0,
     900'000},
    {"produce.batch_records",
     CORVID_NUMBER(produce.batch_records),
     "Records in a batch, at most.",
     {},
     1,
     1'000'000},
    {"produce.batch_bytes", CORVID_SIZE(produce.batch_bytes), "Bytes in a batch, at most.", {}, 1},
    {"produce.compression", CORVID_TEXT(produce.compression), "Codec of a batch.", compression_names},
    {"produce.request_timeout",
     CORVID_TIME(produce.request_timeout),
     "How long a broker may take to answer a request.",
     {},
     1,
     900'000},
    {"produce.message_timeout",
     CORVID_TIME(produce.message_timeout),
     "How long a record is tried before its send fails; anew by a producer that replaces a broken one.",
     {},
     1},
    {"produce.max_record_bytes",
     CORVID_SIZE(produce.max_record_bytes),
     "The largest record that is sent: key, value and headers. A dead letter may have 64 KiB more, of "
     "corvid's "
     "own headers: max.message.bytes of its topic is best above the sum.",
     {},
     1'000,
     1'000'000'000},
    {"produce.in_flight",
     CORVID_NUMBER(produce.in_flight),
     "Records sent and not yet answered; a sender beyond it waits.",
     {},
     1,
     10'000'000},
    {"produce.in_flight_bytes",
     CORVID_SIZE(produce.in_flight_bytes),
     "Bytes sent and not yet answered; a sender beyond it waits.",
     {},
     1,
     any_size},

    {"database.url", CORVID_SECRET(database.url),
     "The service's database: `postgresql://…` or `sqlite:file`; empty: none."},
    {"database.pool_size", CORVID_NUMBER(database.pool_size), "Sessions with the database.", {}, 1, 1'000},
    {"database.acquire_timeout",
     CORVID_TIME(database.acquire_timeout),
     "The longest wait for a free session.",
     {},
     1,
     day},
    {"database.statement_deadline",
     CORVID_TIME(database.statement_deadline),
     "What is sent to the database together is over by then.",
     {},
     1,
     day},
    {"database.lock_timeout",
     CORVID_TIME(database.lock_timeout),
     "The longest wait for the lock of another transaction.",
     {},
     1,
     day},

    {"http.listen", CORVID_TEXT(http.listen),
     "Where /livez, /readyz and /metrics answer; port 0 takes a free one; empty: nowhere. Beyond "
     "loopback a token is needed."},
    {"http.token", CORVID_SECRET(http.token),
     "When set, requests must carry `Authorization: Bearer <token>`."},
    {"http.hosts", CORVID_VALUE_OF(settings, texts, http.hosts),
     "Names to answer to in the Host header, beside loopback and the address itself."},

    {"log.level", CORVID_CHOICE(log.level), "The least important lines that are written.", level_names},
    {"log.format", CORVID_CHOICE(log.format), "JSON lines, or lines for human eyes.", format_names},
    {"log.burst",
     CORVID_NUMBER(log.burst),
     "Lines that one place in the code may write within the window, before it is held back; 0: no limit.",
     {},
     0,
     1'000'000},
    {"log.window", CORVID_TIME(log.window), "How long a place that repeats itself is held back.", {}, 1, day},

    {"topics", CORVID_VALUE_OF(settings, std::vector<topic_settings>, topics),
     "Topics as they shall be; a list of entries."},

    {"threads.workers",
     CORVID_NUMBER(threads.workers),
     "Threads for handlers, shared by all subscriptions; 0: one a core.",
     {},
     0,
     1'024},
    {"threads.blocking",
     CORVID_NUMBER(threads.blocking),
     "Threads for handlers in corvid::blocking(), shared by all subscriptions.",
     {},
     1,
     4'096},

    {"shutdown.drain",
     CORVID_TIME(shutdown.drain),
     "At SIGTERM, and before a partition is given back: how long what runs may take to end, and at last what "
     "was "
     "sent to be answered. Below kafka.max_poll_interval.",
     {},
     0,
     day},
    {"shutdown.grace",
     CORVID_TIME(shutdown.grace),
     "After that: how long handlers that were asked to stop may take.",
     {},
     0,
     day},
};

constexpr setting_row<topic_settings> topic_rows[] = {
    {"name", CORVID_VALUE_OF(topic_settings, std::string, name),
     "Name of the topic: 2 to 6 segments of [a-z0-9-] joined by dots."},
    {"partitions",
     CORVID_VALUE_OF(topic_settings, std::uint32_t, partitions),
     "Number of partitions.",
     {},
     1,
     100'000},
    {"replication",
     CORVID_VALUE_OF(topic_settings, std::uint32_t, replication),
     "Number of copies.",
     {},
     1,
     100},
    {"retention",
     CORVID_VALUE_OF(topic_settings, optional_time, retention),
     "How long records are kept; absent: as the broker says.",
     {},
     1,
     any_size},
    {"cleanup", CORVID_CHOICE_OF(topic_settings, cleanup), "What becomes of old records.", cleanup_names},
};

#undef CORVID_CHOICE
#undef CORVID_TIME
#undef CORVID_SIZE
#undef CORVID_NUMBER
#undef CORVID_FLAG
#undef CORVID_SECRET
#undef CORVID_TEXT
#undef CORVID_CHOICE_OF
#undef CORVID_VALUE_OF

} // namespace

std::span<const setting_row<settings>> settings_table() noexcept { return service_rows; }
std::span<const setting_row<topic_settings>> topic_table() noexcept { return topic_rows; }

std::string variable_of(std::string_view path) {
    std::string name = "CORVID_";
    for (char c : path) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool digit = c >= '0' && c <= '9';
        name += lower ? static_cast<char>(c - ('a' - 'A')) : digit ? c : '_';
    }
    return name;
}

std::string property_of(std::string_view variable_rest) {
    std::string name;
    for (char c : variable_rest)
        name += c == '_' ? '.' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return name == "log.level" ? "log_level" : name;
}

bool is_tool_variable(std::string_view name) noexcept {
    return name.starts_with("CORVID_TEST_") || name.starts_with("CORVID_BENCH_") ||
           name.starts_with("CORVID_FUZZ_") || name == "CORVID_KAFKA_VERSION";
}

} // namespace corvid::detail

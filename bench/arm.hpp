// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What every arm of a Kafka bench written in C++ shares: the command line, the record's layout, the measured
/// span and the one JSON line it prints. The layout and the line are the same in the Rust, Go and Java peers.
namespace corvid::bench {

/// `--bootstrap H:P --topic T --messages N …`; unknown options end the program with status 2.
struct options {
    std::string arm;
    std::string bootstrap;
    std::string topic;
    std::string group = "bench";
    std::string format = "bytes"; ///< what `produce` writes: "bytes" or "json" (see flight.hpp)
    std::uint64_t messages = 1'000'000;
    std::uint64_t warm_up = 50'000; ///< producers: sent and acknowledged before the span begins
    std::uint32_t size = 100;       ///< bytes of a value
    std::uint32_t keys = 1'000;
    std::uint32_t in_flight = 20'000;
    // The key-order bench's own.
    std::string work = "0us";       ///< of a handler: see keyorder/work.hpp
    std::string spread = "uniform"; ///< of the records over the keys: "uniform" or "zipf"
    std::uint32_t concurrency = 256;
    std::uint32_t threads = 1; ///< that handlers have
};

[[nodiscard]] options parse_options(int argc, char** argv);

/// Record i: key i % keys, and the (i / keys)-th of that key. A value of `bytes` holds both as little-endian
/// 32-bit numbers and then filler; a JSON flight holds i as `row`.
struct record_shape {
    std::uint32_t keys;

    [[nodiscard]] std::uint32_t key_of(std::uint64_t record) const {
        return static_cast<std::uint32_t>(record % keys);
    }
    [[nodiscard]] std::uint32_t sequence_of(std::uint64_t record) const {
        return static_cast<std::uint32_t>(record / keys);
    }
};

/// The record keys "key-00000", "key-00001"…, made once.
[[nodiscard]] std::vector<std::string> make_keys(std::uint32_t count);

/// Writes the 8 bytes that a `bytes` value begins with.
void stamp(char* value, std::uint32_t key, std::uint32_t sequence);

/// Checks that each key's records arrive as 0, 1, 2…: no gap, no duplicate, no reordering.
class order_check {
public:
    explicit order_check(std::uint32_t keys) : next_(keys) {}

    void take(std::uint32_t key, std::uint32_t sequence) {
        if (key >= next_.size() || next_[key] != sequence) [[unlikely]] {
            ++wrong_;
            return;
        }
        ++next_[key];
        ++taken_;
    }
    void take_bytes(const void* value, std::size_t size);
    void take_row(std::uint64_t row) {
        const record_shape shape{static_cast<std::uint32_t>(next_.size())};
        take(shape.key_of(row), shape.sequence_of(row));
    }

    [[nodiscard]] std::uint64_t taken() const { return taken_; }
    [[nodiscard]] std::uint64_t wrong() const { return wrong_; }

private:
    std::vector<std::uint32_t> next_;
    std::uint64_t taken_ = 0;
    std::uint64_t wrong_ = 0;
};

/// The steady part of a run: wall time, this process's CPU time and, under the interposer, its allocations.
class span {
public:
    void begin();
    void end();

    [[nodiscard]] bool begun() const { return begun_; }
    [[nodiscard]] double seconds() const { return wall_; }
    [[nodiscard]] double cpu_seconds() const { return cpu_; }
    /// Negative when the process does not run under malloc_count.
    [[nodiscard]] double mallocs() const { return mallocs_; }

private:
    bool begun_ = false;
    double wall_ = 0;
    double cpu_ = 0;
    double mallocs_ = -1;
};

struct outcome {
    std::uint64_t messages = 0; ///< within the span
    bool correct = false;
    std::string why{}; ///< empty when correct
};

/// Prints the arm's one line: figures of the span, peak RSS, librdkafka's version, correctness.
void print_line(const options& chosen, const span& measured, const outcome& result,
                std::string_view librdkafka);

/// The outcome of a consuming arm: every record once and in order.
[[nodiscard]] outcome judge(const order_check& order, std::uint64_t expected);

} // namespace corvid::bench

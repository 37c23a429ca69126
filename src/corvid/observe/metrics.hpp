// SPDX-License-Identifier: Apache-2.0
//
// metrics: the figures of one service. A label set is resolved once into a handle (counter, gauge,
// histogram); what a handle does afterwards is one or two relaxed atomic operations, from any thread, with no
// lock and no look-up.
//
//   counter acked = m.counter_of(metric::messages_produced, {"air.flight.reported", "acked"});
//   acked.add(batch.size());
//
// Handles share ownership of their series, may outlive the registry and are cheap to copy. A default one
// counts nothing. A gauge that was never set, or was cleared, is absent from what is exported: unknown is no
// number; and a gauge whose last handle is gone disappears. Counters and histograms stay.
#pragma once

#include <corvid/base/scheduler.hpp>
#include <corvid/observe/metric_table.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace corvid {

class counter {
public:
    counter() = default;
    explicit counter(std::shared_ptr<std::atomic<std::uint64_t>> cell) noexcept : cell_(std::move(cell)) {}
    void add(std::uint64_t n = 1) const noexcept {
        if (cell_) cell_->fetch_add(n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return cell_ ? cell_->load(std::memory_order_relaxed) : 0;
    }

private:
    std::shared_ptr<std::atomic<std::uint64_t>> cell_;
};

class gauge {
public:
    static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

    gauge() = default;
    explicit gauge(std::shared_ptr<std::atomic<double>> cell) noexcept : cell_(std::move(cell)) {}
    void set(double value) const noexcept {
        if (cell_) cell_->store(value, std::memory_order_relaxed);
    }
    void clear() const noexcept { set(unknown); }
    /// NaN where unknown.
    [[nodiscard]] double value() const noexcept {
        return cell_ ? cell_->load(std::memory_order_relaxed) : unknown;
    }

private:
    std::shared_ptr<std::atomic<double>> cell_;
};

/// Counts times in buckets whose upper bounds double: the error of a quantile is at most a factor of two.
struct time_buckets {
    static constexpr int count = 27;
    explicit constexpr time_buckets(int bits) noexcept : first_bits(bits) {}

    int first_bits; ///< the first bound is 2^first_bits nanoseconds
    std::array<std::atomic<std::uint64_t>, count + 1>
        cells{}; ///< the last one holds what lies above every bound
    std::atomic<std::uint64_t> nanoseconds{0};

    void observe(std::uint64_t ns, std::uint64_t times) noexcept {
        const int bits =
            static_cast<int>(std::bit_width(ns == 0 ? 0 : ns - 1)); // a bound belongs to its bucket
        const int index = bits <= first_bits ? 0 : bits - first_bits < count ? bits - first_bits : count;
        cells[static_cast<std::size_t>(index)].fetch_add(times, std::memory_order_relaxed);
        nanoseconds.fetch_add(ns * times, std::memory_order_relaxed);
    }
};

class histogram {
public:
    histogram() = default;
    explicit histogram(std::shared_ptr<time_buckets> cells) noexcept : cells_(std::move(cells)) {}
    /// `times` observations of the same length; one below zero counts as zero.
    void observe(duration length, std::uint64_t times = 1) const noexcept {
        if (cells_)
            cells_->observe(length.count() > 0 ? static_cast<std::uint64_t>(length.count()) : 0, times);
    }

private:
    std::shared_ptr<time_buckets> cells_;
};

class metrics {
public:
    using label_values = std::initializer_list<std::string_view>;

    /// `service` becomes a label of every series. A metric has at most `series_cap` label sets; those beyond
    /// it share one whose values are all "other" (a gauge: none) and are counted in
    /// corvid_metric_series_dropped_total.
    explicit metrics(std::string service, std::size_t series_cap = 1000);
    ~metrics();
    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;

    /// The same label values give the same series. Take a lock and may allocate: resolve once, keep the
    /// handle. Throw std::invalid_argument if the metric is of another type or has another number of labels.
    [[nodiscard]] counter counter_of(metric which, label_values values = {});
    [[nodiscard]] gauge gauge_of(metric which, label_values values = {});
    [[nodiscard]] histogram histogram_of(metric which, label_values values = {});

    /// All series in Prometheus' text format 0.0.4. Any thread.
    [[nodiscard]] std::string to_text() const;

    /// What must be read at the time of the export. Runs on the thread that exports, one at a time; kept
    /// until the end.
    void before_export(std::function<void()> update);

private:
    struct registry;
    std::unique_ptr<registry> registry_;
};

/// Keeps process_… (CPU, memory, descriptors, threads) of /proc/self in `into`, read when it is exported.
void export_process_metrics(metrics& into);

} // namespace corvid

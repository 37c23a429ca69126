// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/metrics.hpp>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace corvid {

namespace {

using counter_cell = std::shared_ptr<std::atomic<std::uint64_t>>;
using gauge_cell = std::weak_ptr<std::atomic<double>>;
using histogram_cell = std::shared_ptr<time_buckets>;
using label_set = std::vector<std::string>;

struct family {
    std::vector<std::string> label_names;
    std::map<label_set, std::variant<counter_cell, gauge_cell, histogram_cell>> series;
};

std::vector<std::string> words_of(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

prometheus::MetricType type_of(metric_type type) noexcept {
    switch (type) {
    case metric_type::counter:
    case metric_type::sampled:
        return prometheus::MetricType::Counter;
    case metric_type::gauge:
        return prometheus::MetricType::Gauge;
    default:
        return prometheus::MetricType::Histogram;
    }
}

/// What its handle is: counter, gauge or durations.
metric_type handle_of(metric_type type) noexcept {
    if (type == metric_type::sampled) return metric_type::gauge;
    return type == metric_type::ages ? metric_type::durations : type;
}

int first_bits_of(metric_type type) noexcept { return type == metric_type::ages ? 20 : 10; }

prometheus::ClientMetric::Histogram read(const time_buckets& cells) {
    prometheus::ClientMetric::Histogram into;
    into.sample_sum = static_cast<double>(cells.nanoseconds.load(std::memory_order_relaxed)) / 1e9;
    for (int i = 0; i <= time_buckets::count; ++i) {
        into.sample_count += cells.cells[static_cast<std::size_t>(i)].load(std::memory_order_relaxed);
        const double bound = i < time_buckets::count ? std::ldexp(1e-9, cells.first_bits + i) : INFINITY;
        into.bucket.push_back({into.sample_count, bound});
    }
    return into;
}

/// False if there is nothing to export: a gauge that is unknown or gone.
struct reader {
    prometheus::ClientMetric& into;

    bool operator()(const counter_cell& cell) const {
        into.counter.value = static_cast<double>(cell->load(std::memory_order_relaxed));
        return true;
    }
    bool operator()(const gauge_cell& cell) const {
        const auto alive = cell.lock();
        into.gauge.value = alive ? alive->load(std::memory_order_relaxed) : gauge::unknown;
        into.counter.value = into.gauge.value;
        return !std::isnan(into.gauge.value);
    }
    bool operator()(const histogram_cell& cells) const {
        into.histogram = read(*cells);
        return true;
    }
};

} // namespace

struct metrics::registry {
    std::string service;
    std::size_t cap;
    std::mutex mutex; // families
    std::vector<family> families;
    std::mutex export_mutex; // updates; taken before the other, since updates resolve handles
    std::vector<std::function<void()>> updates;

    family& checked(metric which, metric_type type, std::size_t labels);
    bool full(metric which, family& of);
    template <class Cell, class Make>
    Cell resolve(metric which, metric_type type, label_values values, Make make);
    prometheus::MetricFamily collect(const metric_info& info, family& of) const;
};

family& metrics::registry::checked(metric which, metric_type type, std::size_t labels) {
    const metric_info& info = info_of(which);
    family& of = families[static_cast<std::size_t>(which)];
    if (handle_of(info.type) != type)
        throw std::invalid_argument(std::string(info.name) + " is a " + std::string(to_string(info.type)));
    if (of.label_names.size() != labels)
        throw std::invalid_argument(std::string(info.name) + " has the labels: " + std::string(info.labels));
    return of;
}

bool metrics::registry::full(metric which, family& of) {
    if (of.series.size() < cap) return false;
    std::erase_if(of.series, [](const auto& each) {
        const auto* cell = std::get_if<gauge_cell>(&each.second);
        return cell && cell->expired();
    });
    if (of.series.size() < cap) return false;
    auto& dropped = families[static_cast<std::size_t>(metric::series_dropped)].series;
    auto& cell = dropped.try_emplace({std::string(info_of(which).name)}, counter_cell()).first->second;
    auto& count = std::get<counter_cell>(cell);
    if (!count) count = std::make_shared<std::atomic<std::uint64_t>>(0);
    count->fetch_add(1, std::memory_order_relaxed);
    return true;
}

template <class Cell, class Make>
Cell metrics::registry::resolve(metric which, metric_type type, label_values values, Make make) {
    const std::scoped_lock lock(mutex);
    family& of = checked(which, type, values.size());
    label_set labels(values.begin(), values.end());
    auto found = of.series.find(labels);
    if (found == of.series.end()) {
        if (full(which, of)) {
            labels.assign(labels.size(), "other");
            if (type == metric_type::gauge) return make(nullptr);
        }
        found = of.series.try_emplace(std::move(labels), Cell()).first;
    }
    return make(&std::get<Cell>(found->second));
}

metrics::metrics(std::string service, std::size_t series_cap) : registry_(std::make_unique<registry>()) {
    registry_->service = std::move(service);
    registry_->cap = series_cap;
    for (const metric_info& info : metric_table())
        registry_->families.push_back({words_of(info.labels), {}});
}

metrics::~metrics() = default;

counter metrics::counter_of(metric which, label_values values) {
    return counter(
        registry_->resolve<counter_cell>(which, metric_type::counter, values, [](counter_cell* at) {
            if (!*at) *at = std::make_shared<std::atomic<std::uint64_t>>(0);
            return *at;
        }));
}

gauge metrics::gauge_of(metric which, label_values values) {
    std::shared_ptr<std::atomic<double>> cell;
    (void)registry_->resolve<gauge_cell>(which, metric_type::gauge, values, [&](gauge_cell* at) {
        if (!at) return gauge_cell();
        if (!(cell = at->lock())) *at = cell = std::make_shared<std::atomic<double>>(gauge::unknown);
        return *at;
    });
    return gauge(std::move(cell));
}

histogram metrics::histogram_of(metric which, label_values values) {
    const int bits = first_bits_of(info_of(which).type);
    return histogram(
        registry_->resolve<histogram_cell>(which, metric_type::durations, values, [bits](histogram_cell* at) {
            if (!*at) *at = std::make_shared<time_buckets>(bits);
            return *at;
        }));
}

prometheus::MetricFamily metrics::registry::collect(const metric_info& info, family& of) const {
    prometheus::MetricFamily into{std::string(info.name), std::string(info.help), type_of(info.type), {}};
    for (auto& [values, cell] : of.series) {
        prometheus::ClientMetric one;
        if (!std::visit(reader{one}, cell)) continue;
        one.label.push_back({"service", service});
        for (std::size_t i = 0; i < values.size(); ++i)
            one.label.push_back({of.label_names[i], values[i]});
        into.metric.push_back(std::move(one));
    }
    return into;
}

std::string metrics::to_text() const {
    const std::scoped_lock exporting(registry_->export_mutex);
    for (const auto& update : registry_->updates)
        update();
    const std::scoped_lock lock(registry_->mutex);
    std::vector<prometheus::MetricFamily> all;
    for (const metric_info& info : metric_table()) {
        auto one = registry_->collect(info, registry_->families[static_cast<std::size_t>(info.id)]);
        if (!one.metric.empty()) all.push_back(std::move(one));
    }
    return prometheus::TextSerializer().Serialize(all);
}

void metrics::before_export(std::function<void()> update) {
    const std::scoped_lock lock(registry_->export_mutex);
    registry_->updates.push_back(std::move(update));
}

} // namespace corvid

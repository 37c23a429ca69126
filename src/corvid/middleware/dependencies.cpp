// SPDX-License-Identifier: Apache-2.0
#include <corvid/middleware/dependencies.hpp>

#include <tuple>
#include <utility>

namespace corvid {

namespace {

auto figures_of(const breaker_settings& s) {
    return std::make_tuple(s.failures, s.failure_rate, s.at_least, s.window, s.open_for, s.probes);
}
auto figures_of(const rate_settings& s) { return std::make_tuple(s.per_second, s.burst); }
auto figures_of(const bulkhead_settings& s) { return std::make_tuple(s.at_once, s.waiting, s.wait); }

[[noreturn]] void refuse(const error& why, const std::string& handler) {
    error_details d = why.details();
    d.message = "subscription \"" + handler + "\": " + d.message;
    throw config_error(error(why.code(), std::move(d)));
}

} // namespace

dependencies::dependencies(const logger& log, metrics* figures) : log_(log), figures_(figures) {}

template <class Part, class Settings, class Make>
std::shared_ptr<Part> dependencies::find_or_make(by_name<Part, Settings>& in, const Settings& of,
                                                 const char* kind, const std::string& handler, Make make) {
    if (!of.is_set()) return nullptr;
    if (auto valid = of.validate(); !valid) refuse(valid.error(), handler);
    if (of.name.empty()) return make(handler);
    auto found = in.find(of.name);
    if (found == in.end()) found = in.emplace(of.name, shared_part<Part, Settings>{of, make(of.name)}).first;
    if (figures_of(found->second.settings) != figures_of(of))
        refuse(error(errc::conflicting_settings,
                     {.message = std::string(kind) + " \"" + of.name + "\" has other settings elsewhere",
                      .hint = "give all that share it the same, or another " + std::string(kind) + ".name",
                      .operation = "subscribe"}),
               handler);
    return found->second.part;
}

std::shared_ptr<circuit_breaker> dependencies::breaker(const breaker_settings& of,
                                                       const std::string& handler) {
    return find_or_make(breakers_, of, "breaker", handler, [&](const std::string& name) {
        auto fresh = std::make_shared<circuit_breaker>(name, of, log_, figures_);
        const std::lock_guard lock(mutex_);
        all_.push_back(fresh);
        return fresh;
    });
}

std::shared_ptr<rate_limit> dependencies::rate(const rate_settings& of, const std::string& handler) {
    return find_or_make(rates_, of, "rate", handler,
                        [&](const std::string&) { return std::make_shared<rate_limit>(of); });
}

std::shared_ptr<bulkhead> dependencies::bulkhead(const bulkhead_settings& of, const std::string& handler) {
    return find_or_make(bulkheads_, of, "bulkhead", handler,
                        [&](const std::string&) { return std::make_shared<corvid::bulkhead>(of); });
}

std::vector<std::shared_ptr<const circuit_breaker>> dependencies::breakers() const {
    const std::lock_guard lock(mutex_);
    return all_;
}

} // namespace corvid

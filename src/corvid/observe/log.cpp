// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/log.hpp>

#include <corvid/observe/detail/log_line.hpp>

#include <spdlog/details/os.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <map>
#include <mutex>
#include <utility>

namespace corvid {

namespace {

/// Hands each line to a function.
class function_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit function_sink(std::function<void(std::string_view)> output) : output_(std::move(output)) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        output_({message.payload.data(), message.payload.size()});
    }
    void flush_() override {}

    std::function<void(std::string_view)> output_;
};

spdlog::sink_ptr sink_of(const log_settings& settings) {
    if (settings.output) return std::make_shared<function_sink>(settings.output);
    auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    console->set_pattern("%v");
    return console;
}

spdlog::level::level_enum native(log_level level) noexcept {
    return static_cast<spdlog::level::level_enum>(level);
}
static_assert(static_cast<int>(log_level::off) == SPDLOG_LEVEL_OFF &&
              static_cast<int>(log_level::warn) == SPDLOG_LEVEL_WARN);

std::string source_of(const std::source_location& at) {
    const std::string_view file = at.file_name();
    const std::size_t slash = file.rfind('/');
    return std::string(slash == std::string_view::npos ? file : file.substr(slash + 1)) + ':' +
           std::to_string(at.line());
}

/// Holds back call sites that repeat themselves.
class repeat_limit {
public:
    struct verdict {
        bool show;
        std::uint64_t held_back; ///< since the last line that was shown
    };

    verdict ask(const std::source_location& at, std::chrono::nanoseconds now, std::uint32_t burst,
                std::chrono::nanoseconds window) {
        const std::scoped_lock lock(mutex_);
        if (sites_.size() >= max_sites) sites_.clear();
        state& site = sites_[{at.file_name(), at.line(), at.column()}];
        std::uint64_t held_back = 0;
        if (site.lines == 0 || now - site.begin >= window || now < site.begin) {
            held_back = site.held_back;
            site = {now, 0, 0};
        }
        if (site.lines < burst) return {(++site.lines, true), held_back};
        ++site.held_back;
        return {false, 0};
    }

private:
    static constexpr std::size_t max_sites = 4096;
    struct state {
        std::chrono::nanoseconds begin{};
        std::uint32_t lines = 0;
        std::uint64_t held_back = 0;
    };
    std::mutex mutex_;
    std::map<std::tuple<const char*, std::uint_least32_t, std::uint_least32_t>, state> sites_;
};

} // namespace

std::string_view to_string(log_level level) noexcept {
    constexpr std::array<std::string_view, 7> names = {"trace", "debug",    "info", "warn",
                                                       "error", "critical", "off"};
    return names[static_cast<std::size_t>(level)];
}

struct logger::core {
    explicit core(log_settings s) : settings(std::move(s)), out("", sink_of(settings)) {
        out.set_level(native(settings.level));
        out.flush_on(spdlog::level::warn);
    }

    [[nodiscard]] wall_time now() const {
        return settings.time
                   ? settings.time->wall_now()
                   : std::chrono::time_point_cast<std::chrono::milliseconds>(spdlog::details::os::now());
    }
    [[nodiscard]] std::chrono::nanoseconds steady_now() const {
        return settings.time ? settings.time->steady_now().time_since_epoch() : now().time_since_epoch();
    }

    const log_settings settings;
    spdlog::logger out;
    repeat_limit repeats;
};

logger::logger(log_settings settings) : core_(std::make_shared<core>(std::move(settings))) {}

bool logger::enabled(log_level level) const noexcept {
    return level != log_level::off && core_->out.should_log(native(level));
}
void logger::set_level(log_level level) const noexcept { core_->out.set_level(native(level)); }

logger logger::with(fields more) const {
    detail::log_line line(core_->settings.format);
    if (bound_) line.add_rendered(*bound_);
    for (const log_field& field : more)
        line.add(field);
    logger next = *this;
    next.bound_ = std::make_shared<const std::string>(std::move(line).fields());
    return next;
}

void logger::write(log_level level, std::string_view message, std::span<const log_field> list,
                   const corvid::error* why, const site& at) const {
    if (!enabled(level)) return;
    const log_settings& settings = core_->settings;
    if (settings.counted) settings.counted(level);
    repeat_limit::verdict verdict{true, 0};
    if (settings.burst != 0)
        verdict = core_->repeats.ask(at, core_->steady_now(), settings.burst, settings.window);
    if (!verdict.show) return;
    detail::log_line line(settings.format);
    line.begin(core_->now(), level, source_of(at), message);
    if (bound_) line.add_rendered(*bound_);
    if (verdict.held_back != 0) line.add({"suppressed", verdict.held_back});
    if (why) line.add(*why);
    for (const log_field& field : list)
        line.add(field);
    core_->out.log(native(level), std::move(line).finish());
}

namespace {

struct replaceable_logger {
    std::mutex mutex;
    logger current;
};

replaceable_logger& the_default() {
    static replaceable_logger instance;
    return instance;
}

} // namespace

logger default_logger() {
    const std::scoped_lock lock(the_default().mutex);
    return the_default().current;
}

void set_default_logger(logger replacement) {
    const std::scoped_lock lock(the_default().mutex);
    std::swap(the_default().current, replacement);
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// One arm of the ledger bench: `ledger_arm --arm corvid_24k --window 24000 --messages N` prints one JSON
// line. The order of completion is made before the clock starts.
#include <corvid/base/random.hpp>
#include <corvid/lanes/offset_ledger.hpp>

#include <bench/arm.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

namespace corvid::bench {

namespace {

constexpr std::int64_t batch = 256;

// Offset o is done at o + (0 … window-1), so that at any time less than `window` offsets are open.
struct completion {
    std::int64_t when, which;
};

std::vector<completion> completions(std::int64_t messages, std::int64_t window) {
    prng random(1);
    std::vector<completion> all(static_cast<std::size_t>(messages));
    for (std::int64_t o = 0; o < messages; ++o)
        all[static_cast<std::size_t>(o)] = {
            o + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(window))), o};
    std::ranges::sort(all, [](const auto& a, const auto& b) {
        return a.when != b.when ? a.when < b.when : a.which < b.which;
    });
    return all;
}

class ledger_subject {
public:
    ledger_subject() { ledger_.assign(epoch{1}, offset(0)); }
    void track_to(std::int64_t to) { ledger_.track_to(offset(to)); }
    void mark(std::int64_t which) noexcept { ledger_.mark(epoch{1}, offset(which)); }
    [[nodiscard]] std::int64_t frontier() const noexcept { return ledger_.frontier()->value; }

private:
    offset_ledger ledger_{{}};
};

class set_subject {
public:
    void track_to(std::int64_t to) {
        for (; end_ < to; ++end_)
            open_.insert(open_.end(), end_);
    }
    void mark(std::int64_t which) { open_.erase(which); }
    [[nodiscard]] std::int64_t frontier() const noexcept { return open_.empty() ? end_ : *open_.begin(); }

private:
    std::set<std::int64_t> open_;
    std::int64_t end_ = 0;
};

struct measured {
    span time;
    std::int64_t marks = 0;
    bool correct = true;
};

// The clock starts when the window was full once.
template <class Subject>
measured run(const std::vector<completion>& order, std::int64_t window) {
    const auto messages = static_cast<std::int64_t>(order.size());
    Subject subject;
    measured result;
    std::int64_t end = 0, seen = 0, marked = 0;
    const std::int64_t warm_up = std::min(2 * window, messages / 2);
    for (const completion& next : order) {
        if (marked == warm_up) result.time.begin();
        if (next.when >= end && end < messages) {
            end = std::min(messages, next.when + batch);
            subject.track_to(end);
        }
        subject.mark(next.which);
        if (++marked % batch != 0) continue;
        const std::int64_t frontier = subject.frontier();
        result.correct &= frontier >= seen && frontier <= end && frontier > next.when - window;
        seen = frontier;
    }
    result.time.end();
    result.marks = marked - warm_up;
    result.correct &= subject.frontier() == messages;
    return result;
}

void print(const std::string& arm, const measured& result, const std::string& why) {
    const auto count = static_cast<double>(result.marks);
    std::printf("{\"arm\":\"%s\",\"messages\":%.0f,\"seconds\":%.6f,\"msgs_per_s\":%.0f,"
                "\"cpu_s_per_million\":%.5f,\"ns_per_message\":%.3f,",
                arm.c_str(), count, result.time.seconds(), count / result.time.seconds(),
                result.time.cpu_seconds() / count * 1e6, result.time.cpu_seconds() / count * 1e9);
    if (result.time.mallocs() >= 0)
        std::printf("\"mallocs_per_message\":%.9f,", result.time.mallocs() / count);
    std::printf("\"correct\":%s,\"why\":\"%s\"}\n", why.empty() ? "true" : "false", why.c_str());
}

} // namespace

int ledger_main(int argc, char** argv) {
    std::string arm;
    std::int64_t messages = 8'000'000, window = 24'000;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--arm") arm = argv[i + 1];
        if (name == "--messages") messages = std::strtoll(argv[i + 1], nullptr, 10);
        if (name == "--window") window = std::strtoll(argv[i + 1], nullptr, 10);
    }
    const auto order = completions(messages, window);
    const bool is_corvid = arm.starts_with("corvid");
    const measured result = is_corvid ? run<ledger_subject>(order, window) : run<set_subject>(order, window);
    std::string why = result.correct ? "" : "the frontier is not where it must be";
    if (is_corvid && result.time.mallocs() > 0) why = "the ledger allocated";
    print(arm, result, why);
    return why.empty() ? 0 : 1;
}

} // namespace corvid::bench

int main(int argc, char** argv) { return corvid::bench::ledger_main(argc, argv); }

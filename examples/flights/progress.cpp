// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <unistd.h>

#include <iostream>

namespace flights {

namespace {
constexpr int width = 30;
}

std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3;)
        text.insert(at -= 3, 1, ',');
    return text;
}

progress::progress(corvid::scheduler& clock) : clock_(clock), terminal_(isatty(STDERR_FILENO) == 1) {}

void progress::say(std::string_view sentence) {
    clear();
    std::cerr << sentence << std::endl;
}

void progress::show(std::int64_t published, std::int64_t handled, std::int64_t of) {
    const auto now = clock_.steady_now();
    if (!terminal_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    const auto share = [of](std::int64_t n, std::int64_t parts) { return of == 0 ? 0 : n * parts / of; };
    std::string bar;
    for (std::int64_t i = 0; i < width; ++i)
        bar += i < share(handled, width) ? "█" : i < share(published, width) ? "▒" : "░";
    std::cerr << "\r" << bar << ' ' << share(handled, 100) << " %  " << grouped(published) << " published, "
              << grouped(handled) << " handled \033[K" << std::flush;
    drawn_ = true;
}

void progress::clear() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
#include "demo.hpp"
#include "member.hpp"
#include "publish.hpp"
#include <corvid/service/signals.hpp>

#include <exception>
#include <iostream>

namespace {

int run(const flights::options& o) {
    if (!o.member_of.empty()) return flights::serve_as_member(o);
    if (!o.summary.empty()) flights::check_can_write(o.summary); // before the work, not after it
    flights::demo demo(o);
    corvid::signal stop;
    const corvid::termination_signals signals(demo.root(), stop);
    flights::tally expected;
    const flights::run_figures figures = demo.run(stop, expected);
    print(std::cout, figures, flights::airline_names(o.data));
    std::cout.flush();
    if (const std::string why = difference(figures, expected); !why.empty())
        throw std::runtime_error("the figures are not those of the file: " + why);
    if (!o.summary.empty()) write_summary(o.summary, figures);
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    try {
        const auto options = flights::parse({arguments + 1, static_cast<std::size_t>(count - 1)});
        if (!options.help) return run(options);
        std::cout << flights::help_text;
        return 0;
    } catch (const flights::usage_error& wrong) {
        std::cerr << "flights: " << wrong.what() << "\nflights: --help tells the options\n";
        return 2;
    } catch (const flights::interrupted&) {
        std::cerr << "flights: stopped before the end, as asked\n";
        return 130;
    } catch (const std::exception& failed) {
        std::cerr << "flights: " << failed.what() << '\n';
        return 1;
    }
}

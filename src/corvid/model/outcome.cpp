// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/outcome.hpp>

#include <exception>

namespace corvid {

std::string_view to_string(verdict which) noexcept {
    switch (which) {
    case verdict::done:
        return "done";
    case verdict::skip:
        return "skip";
    case verdict::retry:
        return "retry";
    case verdict::dead_letter:
        return "dead_letter";
    case verdict::stop:
        break;
    }
    return "stop";
}

outcome outcome_of_current_exception() noexcept {
    try {
        throw;
    } catch (const rejected& e) {
        return dead_letter(std::string(e.what()));
    } catch (const fatal& e) {
        return stop(std::string(e.what()));
    } catch (const std::exception& e) {
        return retry(std::string(e.what()));
    } catch (...) {
        return retry(std::string("an exception that is not a std::exception"));
    }
}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
#include <corvid/service/run_state.hpp>

namespace corvid {

std::string_view to_string(exit_code code) noexcept {
    switch (code) {
    case exit_code::clean:
        return "clean";
    case exit_code::failed:
        return "failed";
    case exit_code::settings:
        return "settings";
    case exit_code::undrained:
        return "undrained";
    case exit_code::unflushed:
        return "unflushed";
    case exit_code::killed:
        break;
    }
    return "killed";
}

} // namespace corvid

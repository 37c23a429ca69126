// SPDX-License-Identifier: Apache-2.0
#include "own_server.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace corvid::test {

own_server::own_server(std::string script, const std::string& options) : script_(std::move(script)) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / ("corvid-own-" + script_ + ".XXXXXX")).string();
    directory_ = mkdtemp(pattern.data());
    url_ = command("start", options);
}

own_server::~own_server() { command("stop", "--purge"); }

std::string own_server::command(const std::string& verb, const std::string& options) {
    const std::string line = CORVID_SCRIPTS "/" + script_ + " " + verb + " --dir " + directory_ + " " +
                             options + " 2>>" + directory_ + "/script.log";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(line.c_str(), "r"), &pclose);
    std::array<char, 256> text{};
    if (!pipe || (!std::fgets(text.data(), text.size(), pipe.get()) && verb == "start"))
        throw std::runtime_error(line + " failed; see script.log there");
    std::string answer(text.data());
    return answer.substr(0, answer.find('\n'));
}

} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include "http_call.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>

namespace corvid::faults {
namespace {

std::vector<network::way> ways_of(const kafka_process& brokers) {
    std::ifstream proxies(brokers.directory() / "proxies");
    std::vector<network::way> all;
    int node = 0;
    network::way one{};
    while (proxies >> node >> one.listens >> one.leads_to)
        all.push_back(one);
    if (all.empty()) throw std::runtime_error("these brokers were not started with --proxied");
    return all;
}

} // namespace

network::network(const kafka_process& brokers) : network(ways_of(brokers)) {}

network::network(const std::vector<way>& ways)
    : port_(free_port()),
      server_(std::make_unique<child>(
          std::vector<std::string>{"/bin/sh", "-c", R"(exec "$0" "$@" >/dev/null 2>&1)",
                                   output_of({CORVID_TOXIPROXY_SCRIPT}), "-port", std::to_string(port_)})) {
    for (int tries = 0; !http_call(port_, "GET", "/version"); ++tries)
        if (tries == 100 || server_->wait(std::chrono::milliseconds(100)))
            throw std::runtime_error("toxiproxy does not serve");
    for (const auto& [listens, leads_to] : ways) {
        const int node = static_cast<int>(nodes_.size()) + 1;
        const std::string at = "127.0.0.1:" + std::to_string(listens);
        call("POST", "/proxies",
             R"({"name":"n)" + std::to_string(node) + R"(","listen":")" + at + R"(","upstream":"127.0.0.1:)" +
                 std::to_string(leads_to) + R"(","enabled":true})");
        nodes_.push_back(node);
        bootstrap_ += (bootstrap_.empty() ? "" : ",") + at;
    }
}

void network::poison(int node, const std::string& type, const std::string& attributes,
                     const std::string& direction) {
    call("POST", "/proxies/n" + std::to_string(node) + "/toxics",
         R"({"name":"t)" + std::to_string(made_++) + R"(","type":")" + type + R"(","stream":")" + direction +
             R"(","toxicity":1.0,"attributes":)" + attributes + "}");
}

void network::heal() { call("POST", "/reset", ""); }

void network::break_connections() {
    for (const char* is : {"false", "true"})
        for (const int node : nodes_)
            call("POST", "/proxies/n" + std::to_string(node),
                 std::string(R"({"enabled":)").append(is).append("}"));
}

void network::call(const std::string& method, const std::string& path, const std::string& body) {
    const auto answer = http_call(port_, method, path, body, std::chrono::seconds(30));
    if (!answer || answer->status / 100 != 2)
        throw std::runtime_error("toxiproxy refuses " + path + ": " + (answer ? answer->body : "no answer"));
}

} // namespace corvid::faults

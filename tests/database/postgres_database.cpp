// SPDX-License-Identifier: Apache-2.0
#include "postgres_server.hpp"

#include <map>

namespace corvid::test {

namespace {

class postgres_database final : public database_under_test {
public:
    [[nodiscard]] std::string url() const override { return schema_.url(); }
    [[nodiscard]] std::string type(const std::string& name) const override {
        static const std::map<std::string, std::string> types{
            {"bool", "boolean"}, {"int", "integer"}, {"bigint", "bigint"},    {"double", "double precision"},
            {"text", "text"},    {"bytes", "bytea"}, {"time", "timestamptz"}, {"uuid", "uuid"}};
        return types.at(name);
    }

private:
    own_schema schema_;
};

} // namespace

std::unique_ptr<database_under_test> make_database_under_test() {
    return std::make_unique<postgres_database>();
}

} // namespace corvid::test

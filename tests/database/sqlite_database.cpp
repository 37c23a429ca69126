// SPDX-License-Identifier: Apache-2.0
#include "database_under_test.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace corvid::test {

namespace {

class sqlite_database final : public database_under_test {
public:
    sqlite_database() {
        std::string pattern = (std::filesystem::temp_directory_path() / "corvid-sqlite.XXXXXX").string();
        if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory");
        directory_ = pattern;
    }
    ~sqlite_database() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string url() const override { return "sqlite:" + directory_.string() + "/state.db"; }
    [[nodiscard]] std::string type(const std::string& name) const override {
        static const std::map<std::string, std::string> types{
            {"bool", "integer"}, {"int", "integer"}, {"bigint", "integer"}, {"double", "real"},
            {"text", "text"},    {"bytes", "blob"},  {"time", "integer"},   {"uuid", "blob"}};
        return types.at(name);
    }

private:
    std::filesystem::path directory_;
};

} // namespace

std::unique_ptr<database_under_test> make_database_under_test() {
    return std::make_unique<sqlite_database>();
}

} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
//
// What the suite needs to know of the database that it runs on; one implementation an executable.
#pragma once

#include <corvid/store/database.hpp>

#include <memory>
#include <string>

namespace corvid::test {

class database_under_test {
public:
    virtual ~database_under_test() = default;
    /// Where this test has tables of its own, until the object ends.
    [[nodiscard]] virtual std::string url() const = 0;
    /// The SQL type of a column: "bool", "int", "bigint", "double", "text", "bytes", "time", "uuid".
    [[nodiscard]] virtual std::string type(const std::string& name) const = 0;
};

[[nodiscard]] std::unique_ptr<database_under_test> make_database_under_test();

} // namespace corvid::test

// SPDX-License-Identifier: Apache-2.0
//
// The server that CORVID_TEST_POSTGRES names, a schema of a test's own on it, and what only its administrator
// can do.
#pragma once

#include "database_under_test.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string>

namespace corvid::test {

struct close_connection {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
};
using raw_connection = std::unique_ptr<PGconn, close_connection>;

/// CORVID_TEST_POSTGRES; throws where it is not set: a missing server is a failure.
[[nodiscard]] std::string postgres_url();
/// A connection of libpq's own; throws if there is none.
[[nodiscard]] raw_connection connect_raw(const std::string& url);
/// The first value of the first row, or nothing of it; throws on failure.
std::string ask_raw(PGconn* connection, const std::string& sql);

/// Ends all sessions of this URL's application_name, and waits until they are gone.
void end_sessions_of(const std::string& url);

/// A schema that is there while this object lives.
class own_schema {
public:
    own_schema();
    ~own_schema();
    own_schema(const own_schema&) = delete;
    own_schema& operator=(const own_schema&) = delete;
    /// Sessions of this URL find their tables in it; their application_name is its name.
    [[nodiscard]] std::string url() const;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
};

} // namespace corvid::test

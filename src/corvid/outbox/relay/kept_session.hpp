// SPDX-License-Identifier: Apache-2.0
//
// kept_session: a session of the relay's own beside the pool, opened again when it is lost: writers that have
// all of the pool do not hold the relay up. SQLite has one writer at a time anyhow: there it is one of the
// pool. On the database's loop, one call at a time. Internal.
#pragma once

#include <corvid/store/database.hpp>

#include <memory>
#include <vector>

namespace corvid::outbox_detail {

class kept_session {
public:
    /// `first`: what each session of its own begins with; none where it is empty.
    explicit kept_session(database& db, std::string_view first = {}) noexcept : db_(db), first_(first) {}

    /// One flight; `in_transaction`: between begin and commit.
    [[nodiscard]] task<result<std::vector<store::answer>>> run(std::vector<store::statement> what,
                                                               bool in_transaction = false);
    /// Closes it. Before the database's loop ends.
    void end() noexcept { own_.reset(); }

private:
    task<result<void>> open();
    static task<result<std::vector<store::answer>>> run_on(store::session& on,
                                                           std::vector<store::statement> what);

    database& db_;
    std::string_view first_;
    std::unique_ptr<store::session> own_;
};

} // namespace corvid::outbox_detail

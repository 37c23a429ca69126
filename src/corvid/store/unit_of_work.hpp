// SPDX-License-Identifier: Apache-2.0
//
// unit_of_work: what belongs together, recorded. `execute` notes a statement and returns at once; nothing is
// sent while the unit is filled. Whoever made it (database::write, inbox, a subscription) later sends the
// whole in one transaction, perhaps together with other units, and once more if the transaction failed: so a
// unit holds values, never references.
//
//   u.execute("insert into invoice(order_id, cents) values ($1, $2)", o.order_id, o.cents);
//   u.insert("invoice_line", lines);                          // a described struct a row, one statement
//
// Where a handler must read to decide, it asks: `auto seats = co_await u.query<int>("select …", …)`. The unit
// then has a transaction of its own from the first question on, in which what was recorded before the
// question has been done, and which holds its locks until the handler ends.
//
// Not thread-safe. SQL that does not fit the tables shows when the unit is written, not here.
#pragma once

#include <corvid/store/call.hpp>
#include <corvid/store/insert.hpp>
#include <corvid/store/session.hpp>

#include <any>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corvid {

class unit_of_work;

/// What comes last in a transaction, once for all of its units: outbox rows are written so. Outlives the
/// units that name it.
class commit_hook {
public:
    virtual ~commit_hook() = default;
    /// Appends statements that run right before COMMIT. On the database's loop, again at each attempt.
    virtual void before_commit(std::span<unit_of_work* const> units, const store::dialect& dialect,
                               std::vector<store::statement>& into) = 0;
    /// The transaction of these units is committed, on a session that this one lent; null: nobody did. On
    /// the database's loop.
    virtual void after_commit(std::span<unit_of_work* const> /*units*/,
                              store::session_lender* /*lender*/) noexcept {}
};

/// The transaction of a unit that asks.
class unit_reader {
public:
    virtual ~unit_reader() = default;
    /// Sends what `unit` has recorded and not yet sent, then the question. Both stay in place meanwhile.
    [[nodiscard]] virtual task<result<store::answer>> ask(unit_of_work& unit, store::statement question) = 0;
};

/// Who makes units for handlers gives them this, so that they can ask. Outlives them.
class unit_opener {
public:
    virtual ~unit_opener() = default;
    /// Begins the transaction of the unit that was given `tag`; called once, at its first question.
    [[nodiscard]] virtual task<result<std::shared_ptr<unit_reader>>> open(std::uint64_t tag) = 0;
};

/// What a unit is recorded for, in the words of message headers.
struct unit_cause {
    std::string correlation_id = {}, causation_id = {}, traceparent = {};
};
/// Who makes units for handlers gives them this, for what is asked seldom. Outlives the recording.
class unit_occasion {
public:
    virtual ~unit_occasion() = default;
    [[nodiscard]] virtual unit_cause cause() const = 0;
};

class unit_of_work {
public:
    unit_of_work() = default;
    unit_of_work(unit_of_work&&) noexcept = default;
    unit_of_work& operator=(unit_of_work&&) noexcept = default;
    explicit unit_of_work(unit_opener& opener, std::uint64_t tag = 0) noexcept
        : opener_(&opener), tag_(tag) {}
    explicit unit_of_work(std::shared_ptr<unit_reader> reader) noexcept : reader_(std::move(reader)) {}

    /// Asks now, after what was recorded before; rows as T (store/rows.hpp). Await it at once, one at a time;
    /// the unit stays in place meanwhile. After an error the transaction takes nothing more: hand the error
    /// on. invalid_argument for a unit that nobody gave a transaction to.
    template <class T, class... Args>
    [[nodiscard]] task<result<std::vector<T>>> query(std::string_view sql, const Args&... args) {
        return typed<T>(*this, store::make_statement(sql, args...));
    }

    /// Records a statement; the arguments become $1, $2, …, a described struct gives one for each member.
    template <class... Args>
    void execute(std::string_view sql, const Args&... args) {
        add(store::make_statement(sql, args...));
    }
    /// Records one insert of these rows; nothing if there is none. `table` may be `schema.table`; throws
    /// config_error for a name that is none. The columns are the members.
    template <store::Described Row>
    void insert(std::string_view table, std::span<const Row> rows) {
        if (!rows.empty()) add(store::insert_statement(table, rows));
    }
    template <store::Described Row>
    void insert(std::string_view table, const std::vector<Row>& rows) {
        insert(table, std::span<const Row>(rows));
    }
    void add(store::statement what) {
        bytes_ += what.sql.size();
        for (const store::sql_value& value : what.parameters)
            bytes_ += value.bytes();
        recorded_.push_back(std::move(what));
    }

    /// A place in this unit for what `hook` is to write, empty at first; from then on the hook runs.
    [[nodiscard]] std::any& place_for(const std::shared_ptr<commit_hook>& hook) {
        for (auto& [known, place] : hooks_)
            if (known == hook) return place;
        return hooks_.emplace_back(hook, std::any{}).second;
    }
    [[nodiscard]] const std::vector<std::pair<std::shared_ptr<commit_hook>, std::any>>& hooks()
        const noexcept {
        return hooks_;
    }

    /// None of it is asked after the handler has ended: null then.
    void on_occasion(const unit_occasion* of) noexcept { occasion_ = of; }
    [[nodiscard]] const unit_occasion* occasion() const noexcept { return occasion_; }
    /// Counts what a hook keeps in its place.
    void count_bytes(std::size_t more) noexcept { bytes_ += more; }

    [[nodiscard]] std::span<const store::statement> recorded() const noexcept { return recorded_; }
    /// Those that no question has sent yet.
    [[nodiscard]] std::span<const store::statement> unsent() const noexcept {
        return recorded().subspan(sent_);
    }
    void all_sent() noexcept { sent_ = recorded_.size(); }
    /// Whether a question has been asked: what is recorded then depends on the answer.
    [[nodiscard]] bool asked() const noexcept { return asked_; }
    [[nodiscard]] const std::shared_ptr<unit_reader>& reader() const noexcept { return reader_; }
    [[nodiscard]] bool empty() const noexcept { return recorded_.empty() && hooks_.empty(); }
    /// About what the statements take on the wire.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// The same once more, for another transaction; what hooks keep in their places must be copyable, as
    /// std::any asks.
    [[nodiscard]] unit_of_work copy() const {
        unit_of_work other;
        other.recorded_ = recorded_;
        other.hooks_ = hooks_;
        other.bytes_ = bytes_;
        return other;
    }
    void clear() noexcept {
        recorded_.clear();
        hooks_.clear();
        bytes_ = sent_ = 0;
    }

private:
    template <class T>
    static task<result<std::vector<T>>> typed(unit_of_work& self, store::statement question) {
        result<store::answer> answered = co_await ask(self, std::move(question));
        if (!answered) co_return fail(std::move(answered.error()));
        co_return store::read_rows<T>(*answered);
    }
    static task<result<store::answer>> ask(unit_of_work& self, store::statement question);

    std::vector<store::statement> recorded_;
    std::vector<std::pair<std::shared_ptr<commit_hook>, std::any>> hooks_;
    std::size_t bytes_ = 0;
    std::size_t sent_ = 0;
    bool asked_ = false;
    unit_opener* opener_ = nullptr;
    std::uint64_t tag_ = 0;
    std::shared_ptr<unit_reader> reader_;
    const unit_occasion* occasion_ = nullptr;
};

namespace store {

/// Appends what the hooks of these units write, each hook once, in the order of their first mention.
void run_before_commit(std::span<unit_of_work* const> units, const dialect& dialect,
                       std::vector<statement>& into);
void run_after_commit(std::span<unit_of_work* const> units, session_lender* lender) noexcept;

} // namespace store
} // namespace corvid

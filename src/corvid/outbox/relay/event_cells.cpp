// SPDX-License-Identifier: Apache-2.0
#include <corvid/outbox/relay/event_cells.hpp>

#include <corvid/outbox/outbox_rows.hpp>

#include <algorithm>
#include <chrono>

namespace corvid::outbox_detail {

namespace {

// The cells of one row, in the order of `columns`; moved out of the answer.
class row_cells {
public:
    explicit row_cells(store::sql_value* first) noexcept : next_(first) {}
    template <class T>
    T take() {
        T* const found = std::get_if<T>(&next_->held);
        if (!found) wrong_ = wrong_ ? wrong_ : next_;
        ++next_;
        return found ? std::move(*found) : T{};
    }
    template <class T>
    std::optional<T> take_optional() {
        if (!next_->is_null()) return take<T>();
        ++next_;
        return std::nullopt;
    }
    /// SQLite keeps microseconds.
    wall_time take_time() {
        using std::chrono::microseconds;
        const bool is_number = std::holds_alternative<std::int64_t>(next_->held);
        const store::sql_time at =
            is_number ? store::sql_time(microseconds(take<std::int64_t>())) : take<store::sql_time>();
        return std::chrono::time_point_cast<std::chrono::milliseconds>(at);
    }
    [[nodiscard]] const store::sql_value* wrong() const noexcept { return wrong_; }

private:
    store::sql_value* next_;
    const store::sql_value* wrong_ = nullptr;
};

result<std::unique_ptr<relay_row>> row_of(store::sql_value* first) {
    row_cells cells(first);
    auto row = std::make_unique<relay_row>();
    row->shard = static_cast<std::int32_t>(cells.take<std::int64_t>());
    row->number = cells.take<std::int64_t>();
    row->id = cells.take<std::string>();
    const auto type = cells.take<std::string>();
    row->key = cells.take_optional<std::string>();
    row->lane = row->key ? aggregate_hash(type, *row->key) | 1U : 0;
    row->topic = cells.take<std::string>();
    if (auto payload = cells.take_optional<store::sql_bytes>()) row->payload = std::move(payload->data);
    row->headers = cells.take<std::string>();
    row->created_at = cells.take_time();
    if (cells.wrong()) return store::wrong_type(*cells.wrong(), "what the table of an outbox holds there");
    return row;
}

} // namespace

result<void> add_rows(store::answer& of, std::size_t limit, read_answer& to) {
    std::vector<std::unique_ptr<relay_row>> all;
    all.reserve(of.row_count());
    for (std::size_t i = 0; i < of.row_count(); ++i) {
        auto row = row_of(&of.cells[i * of.columns.size()]);
        if (!row) return fail(std::move(row.error()));
        all.push_back(*std::move(row));
    }
    const auto place = [](const std::unique_ptr<relay_row>& row) {
        return std::pair(row->shard, row->number);
    };
    if (!std::ranges::is_sorted(all, {}, place)) std::ranges::sort(all, {}, place);
    std::size_t of_shard = 0;
    for (std::unique_ptr<relay_row>& each : all) {
        of_shard = !to.rows.empty() && to.rows.back()->shard == each->shard ? of_shard + 1 : 1;
        if (of_shard <= limit) to.rows.push_back(std::move(each));
    }
    return {};
}

} // namespace corvid::outbox_detail

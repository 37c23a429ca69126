// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/postgres/detail/prepared.hpp>

namespace corvid::store::postgres {

prepared_statements::entry* prepared_statements::find(const std::string& sql) {
    const auto known = by_text_.find(sql);
    if (known == by_text_.end()) return nullptr;
    order_.splice(order_.begin(), order_, known->second);
    return &*known->second;
}

prepared_statements::entry& prepared_statements::add(std::string sql, std::string name, description types) {
    order_.push_front({std::move(sql), std::move(name), std::move(types)});
    by_text_.emplace(order_.front().sql, order_.begin());
    return order_.front();
}

void prepared_statements::remove(const std::string& sql) {
    const auto known = by_text_.find(sql);
    if (known == by_text_.end()) return;
    const auto place = known->second;
    by_text_.erase(known);
    order_.erase(place);
}

std::optional<std::string> prepared_statements::evict() {
    if (order_.size() < capacity_) return std::nullopt;
    std::string name = order_.back().name;
    remove(std::string(order_.back().sql));
    return name;
}

} // namespace corvid::store::postgres

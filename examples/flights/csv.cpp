// SPDX-License-Identifier: Apache-2.0
#include "csv.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>

namespace flights {

namespace {

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string all;
    std::error_code unknown;
    const auto size = std::filesystem::file_size(file, unknown);
    if (in && !unknown) {
        all.resize(size);
        in.read(all.data(), static_cast<std::streamsize>(size));
    }
    if (!in || unknown)
        throw std::runtime_error("cannot read " + file.string() +
                                 "; scripts/flights_data fetches the data and prints its folder for --data");
    return all;
}

} // namespace

csv_file::csv_file(const std::filesystem::path& file, std::vector<std::string_view> columns)
    : name_(file.filename().string()), content_(content_of(file)), columns_(std::move(columns)) {
    if (content_.find('"') != std::string::npos)
        throw std::runtime_error(name_ + ": has quoted fields, which this data never had");
    rows_ = std::count(content_.begin(), content_.end(), '\n') - 1;
    if (!content_.empty() && content_.back() != '\n') ++rows_;
    if (!next() || fields_ != columns_)
        throw std::runtime_error(name_ + ":1: the columns are not those of nycflights13");
}

bool csv_file::next() {
    if (position_ >= content_.size()) return false;
    std::string_view line = std::string_view(content_).substr(position_);
    line = line.substr(0, line.find('\n'));
    position_ += line.size() + 1;
    ++row_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    split(line);
    if (fields_.size() != columns_.size())
        refuse_row("has " + std::to_string(fields_.size()) + " fields instead of " +
                   std::to_string(columns_.size()));
    return true;
}

void csv_file::split(std::string_view line) {
    fields_.clear();
    for (;;) {
        const std::size_t comma = line.find(',');
        fields_.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) return;
        line.remove_prefix(comma + 1);
    }
}

std::optional<std::string_view> csv_file::maybe_text(std::size_t column) const {
    const std::string_view field = fields_[column];
    if (field.empty() || field == "NA") return std::nullopt;
    return field;
}

std::string_view csv_file::text(std::size_t column) const {
    const auto field = maybe_text(column);
    if (!field) refuse(column, "has no value");
    return *field;
}

std::optional<int> csv_file::maybe_number(std::size_t column) const {
    const auto field = maybe_text(column);
    if (!field) return std::nullopt;
    int value = 0;
    const auto [end, failed] = std::from_chars(field->data(), field->data() + field->size(), value);
    if (failed != std::errc() || end != field->data() + field->size()) refuse(column, "is no whole number");
    return value;
}

int csv_file::number(std::size_t column) const {
    const auto value = maybe_number(column);
    if (!value) refuse(column, "has no value");
    return *value;
}

void csv_file::refuse(std::size_t column, std::string_view why) const {
    refuse_row(std::string(columns_[column]) + " " + std::string(why) + ": '" + std::string(fields_[column]) +
               "'");
}

void csv_file::refuse_row(const std::string& why) const {
    throw std::runtime_error(name_ + ":" + std::to_string(row_ + 1) + ": " + why);
}

} // namespace flights

// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/detail/engine.hpp>

#include <vector>

namespace corvid::json {

namespace {

/// Engines that no reader of this thread uses.
std::vector<std::unique_ptr<reader::engine>>& idle_engines() {
    thread_local std::vector<std::unique_ptr<reader::engine>> idle;
    return idle;
}

reader::engine* take_engine() {
    auto& idle = idle_engines();
    if (idle.empty()) return new reader::engine;
    auto* taken = idle.back().release();
    idle.pop_back();
    return taken;
}

void give_back(reader::engine* used) {
    std::unique_ptr<reader::engine> owned(used);
    if (used->capacity <= reader::engine::keep_at_most) idle_engines().push_back(std::move(owned));
}

std::string_view what_stands_there(std::string_view token) noexcept {
    bool integer = false;
    if (token.starts_with('{')) return "an object";
    if (token.starts_with('[')) return "an array";
    if (token.starts_with('"')) return "a string";
    if (token == "true" || token == "false") return "a boolean";
    if (token == "null") return "null";
    return is_number(token, integer) ? "a number" : "garbage";
}

std::string what_broke(simdjson::error_code failure) {
    switch (failure) {
    case simdjson::EMPTY:
        return "the payload is empty";
    case simdjson::UTF8_ERROR:
        return "the payload is not valid UTF-8";
    case simdjson::UNESCAPED_CHARS:
        return "a string holds a control character";
    case simdjson::UNCLOSED_STRING:
        return "a string is not closed";
    default:
        return simdjson::error_message(failure);
    }
}

} // namespace

reader::reader(std::string_view text) : engine_(take_engine()) {
    if (const auto failure = engine_->index(text)) {
        fail(errc::malformed_payload, what_broke(failure));
        return;
    }
    text_ = engine_->buffer.get();
    token_ = engine_->tokens->structural_indexes.get();
    end_ = token_ + engine_->tokens->n_structural_indexes;
    has_escapes_ = std::memchr(text_, '\\', text.size()) != nullptr;
}

reader::~reader() { give_back(engine_); }

/// The text from here to the next token, without the blanks between.
std::string_view reader::token() const noexcept {
    if (token_ == end_) return {};
    const char* last = text_ + token_[1];
    while (is_blank(last[-1]))
        --last;
    return {here(), static_cast<std::size_t>(last - here())};
}

bool reader::begin(char bracket, std::string_view wanted) {
    if (failed_) return false;
    if (*here() != bracket) return fail_type(wanted);
    if (depth_ == max_depth) return fail(errc::too_deep, "nested deeper than 64 levels");
    const std::uint64_t level = std::uint64_t{1} << depth_;
    arrays_ = bracket == '[' ? arrays_ | level : arrays_ & ~level;
    ++depth_;
    ++token_;
    entered_ = true;
    return true;
}

bool reader::begin_object() { return begin('{', "an object"); }
bool reader::begin_array() { return begin('[', "an array"); }

bool reader::fail_item(char closing) {
    return fail(errc::malformed_payload, std::string("expected a comma or ") + closing);
}

bool reader::fail_key() {
    return fail(errc::malformed_payload,
                *here() == '"' ? "expected a colon after a member's name" : "expected a member's name");
}

std::string_view reader::key() {
    const char* end = key_;
    bool escaped = false;
    for (; *end != '"'; ++end)
        if (*end == '\\') escaped = true, ++end;
    const std::string_view raw(key_, static_cast<std::size_t>(end - key_));
    if (!escaped) return raw;
    return unescape(raw, engine_->scratch) ? std::string_view(engine_->scratch) : std::string_view();
}

bool reader::check_scalar() {
    std::string_view text;
    bool truth = false;
    double number = 0;
    switch (*here()) {
    case '"':
        return read_text(text);
    case 't':
    case 'f':
        return read(truth);
    case 'n':
        return take_null();
    default:
        return read(number);
    }
}

bool reader::skip() {
    const int outside = depth_;
    do {
        const char first = *here();
        const bool fine = first == '{' ? begin_object() : first == '[' ? begin_array() : check_scalar();
        if (!fine) return false;
        while (depth_ > outside) {
            const bool array = inside_array();
            const bool more = array ? next_element() : next_key() != nullptr;
            if (more && !array && has_escapes_) (void)key();
            if (failed_) return false;
            if (more) break;
        }
    } while (depth_ > outside);
    return true;
}

bool reader::end() {
    if (failed_ || token_ == end_) return !failed_;
    return fail(errc::malformed_payload, "something follows the document");
}

bool reader::fail(errc code, std::string message) {
    if (failed_) return false;
    failed_ = true;
    engine_->code = code;
    engine_->message = std::move(message);
    engine_->where.clear();
    return false;
}

bool reader::fail_type(std::string_view wanted) {
    if (failed_) return false;
    const std::string_view found = what_stands_there(token());
    const bool garbage = found == "garbage" || found == wanted;
    return fail(garbage ? errc::malformed_payload : errc::wrong_type,
                "expected " + std::string(wanted) + ", found " + std::string(garbage ? "garbage" : found));
}

bool reader::fail_number(std::string_view wanted, bool integer) {
    const std::string_view found = token();
    bool whole = false;
    if (!is_number(found, whole)) return fail_type(wanted);
    if (!ends_scalar(text_[token_[1]]))
        return fail(errc::malformed_payload, "expected a comma or a bracket after a number");
    if (integer && !whole) return fail(errc::wrong_type, "expected an integer, found " + quoted(found));
    return fail(errc::out_of_range, quoted(found) + " does not fit");
}

bool reader::at(std::string_view member) {
    engine_->where.inside(member);
    return false;
}

bool reader::at(std::size_t index) {
    engine_->where.inside(index);
    return false;
}

bool reader::at_key(const char* raw) {
    const char* end = raw;
    for (; *end != '"'; ++end)
        if (*end == '\\') ++end;
    return at(std::string_view(raw, static_cast<std::size_t>(end - raw)));
}

error reader::why() const {
    return error(engine_->code,
                 {.message = engine_->where.text() + ": " + engine_->message, .operation = "decode"});
}

} // namespace corvid::json

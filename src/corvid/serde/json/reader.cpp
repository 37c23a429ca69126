// SPDX-License-Identifier: Apache-2.0
#include <corvid/serde/json/reader.hpp>

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace corvid::json {

namespace ondemand = simdjson::ondemand;

namespace {

constexpr std::size_t padding = 256;  // the parser's own, and max_name with its quote
static_assert(padding >= simdjson::SIMDJSON_PADDING && padding > max_name);
constexpr std::size_t keep_at_most = std::size_t{1} << 20;

}  // namespace

struct reader::engine {
    struct level {
        ondemand::object_iterator members;
        ondemand::array_iterator elements;
        bool is_array = false;
        bool entered = false;  // the iterator stands on its first item already
    };

    ondemand::parser parser;
    ondemand::document document;
    ondemand::value current;           // the value under the cursor, unless at_root
    bool at_root = true;
    int depth = 0;                     // containers that are open
    const char* raw_key = nullptr;
    std::string scratch;
    std::unique_ptr<char[]> buffer;
    std::size_t capacity = 0;
    std::array<level, max_depth> levels;

    errc code{};
    std::string message;
    path where;

    std::string_view token() { return current.raw_json_token(); }

    /// Copies the text behind which the parser may look, and what is_key() compares with.
    const char* load(std::string_view text) {
        if (capacity < text.size() || !buffer) {
            capacity = std::max<std::size_t>(4096, std::bit_ceil(text.size()));
            buffer = std::make_unique_for_overwrite<char[]>(capacity + padding);
        }
        if (!text.empty()) std::memcpy(buffer.get(), text.data(), text.size());
        std::memset(buffer.get() + text.size(), 0, padding);
        return buffer.get();
    }

    simdjson::error_code open(std::string_view text) {
        const char* copy = load(text);
        at_root = true;
        depth = 0;
        raw_key = nullptr;
        if (parser.capacity() < text.size())
            if (auto failure = parser.allocate(capacity)) return failure;
        return parser.iterate(copy, text.size(), text.size() + padding).get(document);
    }
};

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
    if (used->capacity <= keep_at_most) idle_engines().push_back(std::move(owned));
}

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// A token reaches up to the next one; this is what it says.
std::string_view without_blanks(std::string_view token) noexcept {
    while (!token.empty() && is_blank(token.back())) token.remove_suffix(1);
    return token;
}

/// Is it a number by JSON's grammar; and one without point and exponent?
bool is_number(std::string_view text, bool& integer) noexcept {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        return at - from;
    };
    const std::size_t first = at;
    const std::size_t whole = digits();
    if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
    integer = at == text.size();
    if (at < text.size() && text[at] == '.' && (++at, digits() == 0)) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        if (++at; at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        if (digits() == 0) return false;
    }
    return at == text.size();
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

}  // namespace

reader::reader(std::string_view text) : engine_(take_engine()) {
    if (const auto failure = engine_->open(text)) fail_parse(failure);
}

reader::~reader() { give_back(engine_); }

bool reader::begin_object() {
    engine& e = *engine_;
    if (failed_) return false;
    if (e.depth == max_depth) return fail(errc::too_deep, "nested deeper than 64 levels");
    ondemand::object object;
    const auto failure = e.at_root ? e.document.get_object().get(object) : e.current.get_object().get(object);
    if (failure == simdjson::INCORRECT_TYPE) return fail_type("an object");
    if (failure) return fail_parse(failure);
    engine::level& inner = e.levels[static_cast<std::size_t>(e.depth)];
    if (const auto broken = object.begin().get(inner.members)) return fail_parse(broken);
    inner.is_array = false;
    inner.entered = true;
    e.at_root = false;
    ++e.depth;
    return true;
}

const char* reader::next_key() {
    engine& e = *engine_;
    engine::level& here = e.levels[static_cast<std::size_t>(e.depth - 1)];
    if (here.entered)
        here.entered = false;
    else
        ++here.members;
    if (!(here.members != ondemand::object_iterator{})) {
        --e.depth;
        return nullptr;
    }
    ondemand::field field;
    if (const auto failure = (*here.members).get(field)) return fail_parse(failure), nullptr;
    e.current = field.value();
    return e.raw_key = field.key().raw();
}

std::string_view reader::key() {
    const char* end = engine_->raw_key;
    bool escaped = false;
    for (; *end != '"'; ++end)
        if (*end == '\\') escaped = true, ++end;
    const std::string_view raw(engine_->raw_key, static_cast<std::size_t>(end - engine_->raw_key));
    if (!escaped) return raw;
    return unescape(raw, engine_->scratch) ? std::string_view(engine_->scratch) : std::string_view();
}

bool reader::begin_array() {
    engine& e = *engine_;
    if (failed_) return false;
    if (e.depth == max_depth) return fail(errc::too_deep, "nested deeper than 64 levels");
    ondemand::array array;
    const auto failure = e.current.get_array().get(array);
    if (failure == simdjson::INCORRECT_TYPE) return fail_type("an array");
    if (failure) return fail_parse(failure);
    engine::level& inner = e.levels[static_cast<std::size_t>(e.depth)];
    if (const auto broken = array.begin().get(inner.elements)) return fail_parse(broken);
    inner.is_array = true;
    inner.entered = true;
    ++e.depth;
    return true;
}

bool reader::next_element() {
    engine& e = *engine_;
    engine::level& here = e.levels[static_cast<std::size_t>(e.depth - 1)];
    if (here.entered)
        here.entered = false;
    else
        ++here.elements;
    if (!(here.elements != ondemand::array_iterator{})) {
        --e.depth;
        return false;
    }
    if (const auto failure = (*here.elements).get(e.current)) return fail_parse(failure);
    return true;
}

bool reader::read(bool& to) {
    if (engine_->current.get_bool().get(to)) return fail_type("a boolean");
    return true;
}

bool reader::read(std::int64_t& to) {
    if (engine_->current.get_int64().get(to)) return fail_number("an integer", true);
    return true;
}

bool reader::read(std::uint64_t& to) {
    if (engine_->current.get_uint64().get(to)) return fail_number("an integer", true);
    return true;
}

bool reader::read(double& to) {
    if (engine_->current.get_double().get(to)) return fail_number("a number", false);
    return true;
}

/// Passes over a string; `raw` is what stands between its quotes.
bool reader::take_string(std::string_view& raw) {
    const std::string_view token = without_blanks(engine_->token());
    ondemand::raw_json_string passed;
    if (engine_->current.get_raw_json_string().get(passed)) return fail_type("a string");
    if (token.size() < 2 || token.back() != '"') return fail(errc::malformed_payload, "a string is not closed");
    raw = token.substr(1, token.size() - 2);
    return true;
}

bool reader::read(std::string& to) {
    std::string_view raw;
    if (!take_string(raw)) return false;
    if (std::memchr(raw.data(), '\\', raw.size())) [[unlikely]]
        return unescape(raw, to);
    to.assign(raw);
    return true;
}

bool reader::read_text(std::string_view& to) {
    if (!take_string(to)) return false;
    if (std::memchr(to.data(), '\\', to.size())) [[unlikely]] {
        if (!unescape(to, engine_->scratch)) return false;
        to = engine_->scratch;
    }
    return true;
}

bool reader::read_text_or_number(std::string_view& to) {
    const std::string_view token = without_blanks(engine_->token());
    bool integer = false;
    if (!is_number(token, integer)) return read_text(to);
    double any = 0;
    if (engine_->current.get_double().get(any)) return fail_number("a number", false);
    to = token;
    return true;
}

bool reader::take_null() {
    if (engine_->token().front() != 'n') return false;
    bool null = false;
    if (engine_->current.is_null().get(null) || !null) return fail(errc::malformed_payload, "found garbage");
    return true;
}

bool reader::check_scalar() {
    std::string_view text;
    bool truth = false;
    double number = 0;
    switch (engine_->token().front()) {
    case '"': return read_text(text);
    case 't':
    case 'f': return read(truth);
    case 'n': return take_null();
    default: return read(number);
    }
}

bool reader::skip() {
    engine& e = *engine_;
    const int outside = e.depth;
    do {
        const char first = e.token().front();
        const bool fine = first == '{' ? begin_object() : first == '[' ? begin_array() : check_scalar();
        if (!fine) return false;
        while (e.depth > outside) {
            const bool more = e.levels[static_cast<std::size_t>(e.depth - 1)].is_array ? next_element()
                                                                                     : next_key() != nullptr;
            if (more && e.levels[static_cast<std::size_t>(e.depth - 1)].is_array == false) (void)key();
            if (failed_) return false;
            if (more) break;
        }
    } while (e.depth > outside);
    return true;
}

bool reader::end() {
    if (failed_) return false;
    const char* rest = nullptr;
    if (engine_->document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS) return true;
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
    std::string_view token;
    if (!engine_->at_root)
        token = engine_->token();
    else if (engine_->document.raw_json_token().get(token))
        token = {};
    const std::string_view found = what_stands_there(without_blanks(token));
    const bool garbage = found == "garbage" || found == wanted;
    return fail(garbage ? errc::malformed_payload : errc::wrong_type,
                "expected " + std::string(wanted) + ", found " + std::string(garbage ? "garbage" : found));
}

bool reader::fail_number(std::string_view wanted, bool integer) {
    const std::string_view token = without_blanks(engine_->token());
    bool whole = false;
    if (!is_number(token, whole)) return fail_type(wanted);
    if (integer && !whole) return fail(errc::wrong_type, "expected an integer, found " + quoted(token));
    return fail(errc::out_of_range, quoted(token) + " does not fit");
}

bool reader::fail_parse(int parser_error) {
    const auto code = static_cast<simdjson::error_code>(parser_error);
    if (code == simdjson::EMPTY) return fail(errc::malformed_payload, "the payload is empty");
    if (code == simdjson::UTF8_ERROR) return fail(errc::malformed_payload, "the payload is not valid UTF-8");
    return fail(errc::malformed_payload, simdjson::error_message(code));
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
    for (; *end != '"' && *end != '\0'; ++end)
        if (*end == '\\') ++end;
    return at(std::string_view(raw, static_cast<std::size_t>(end - raw)));
}

error reader::why() const {
    return error(engine_->code, {.message = engine_->where.text() + ": " + engine_->message, .operation = "decode"});
}

}  // namespace corvid::json

// SPDX-License-Identifier: Apache-2.0
#include <corvid/store/sql_value.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace corvid::store {

std::string_view sql_value::type_name() const noexcept {
    static constexpr std::array<std::string_view, std::variant_size_v<type>> names{
        "null", "bool", "integer", "double", "text", "bytes", "time", "uuid", "array"};
    return names[held.index()];
}

namespace {

struct size_of {
    template <class T>
    std::size_t operator()(const T&) const noexcept {
        return sizeof(T);
    }
    std::size_t operator()(const std::string& text) const noexcept { return text.size(); }
    std::size_t operator()(const sql_bytes& value) const noexcept { return value.data.size(); }
    std::size_t operator()(const sql_array& list) const noexcept {
        std::size_t sum = 20;
        for (const sql_value& each : list.items)
            sum += 4 + each.bytes();
        return sum;
    }
};

// Each answers whether JSON can hold the value.
struct json_writer {
    std::string& out;

    bool number(auto value) {
        std::array<char, 32> text{};
        out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
        return true;
    }
    bool operator()(sql_null) { return out += "null", true; }
    bool operator()(bool flag) { return out += flag ? "true" : "false", true; }
    bool operator()(std::int64_t value) { return number(value); }
    bool operator()(double value) { return std::isfinite(value) && number(value); }
    bool operator()(sql_time when) { return number(when.time_since_epoch().count()); }
    bool operator()(const uuid& value) { return ((out += '"') += to_string(value)) += '"', true; }
    bool operator()(const sql_bytes&) { return false; }
    bool operator()(const sql_array&) { return false; }
    bool operator()(const std::string& text) {
        static constexpr std::string_view hex = "0123456789abcdef";
        out += '"';
        for (const char c : text) {
            const auto code = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\')
                (out += '\\') += c;
            else if (code < 0x20)
                ((out += "\\u00") += hex[code >> 4U]) += hex[code & 15U];
            else
                out += c;
        }
        return out += '"', true;
    }
};

} // namespace

std::size_t sql_value::bytes() const noexcept { return std::visit(size_of{}, held); }

std::unexpected<error> wrong_type(const sql_value& found, std::string_view wanted) {
    return fail(errc::wrong_column, {.message = std::string("found ") + std::string(found.type_name()) +
                                                ", wanted " + std::string(wanted),
                                     .operation = "read a row"});
}

result<std::string> to_json_array(const sql_array& array) {
    std::string out = "[";
    for (const sql_value& each : array.items) {
        if (out.size() > 1) out += ',';
        if (!std::visit(json_writer{out}, each.held))
            return fail(errc::invalid_argument,
                        {.message = "JSON cannot hold an array of " + std::string(each.type_name())});
    }
    return out + ']';
}

} // namespace corvid::store

// SPDX-License-Identifier: Apache-2.0
#include <corvid/observe/secret.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace corvid {

namespace {

constexpr std::array<std::string_view, 10> secret_words = {
    "password", "passwd",      "pwd",           "secret", "token",
    "tokens",   "credentials", "authorization", "dsn",    "passphrase"};

/// Names that are secret as a whole, with `.` where they have `.`, `_` or `-`: librdkafka's sensitive
/// properties and others.
constexpr std::array<std::string_view, 19> secret_names = {"ssl.key.password",
                                                           "ssl.key.pem",
                                                           "ssl.key",
                                                           "ssl.certificate.pem",
                                                           "ssl.certificate",
                                                           "ssl.ca.pem",
                                                           "ssl.ca",
                                                           "sasl.username",
                                                           "sasl.oauthbearer.config",
                                                           "sasl.kerberos.kinit.cmd",
                                                           "basic.auth.user.info",
                                                           "secrets",
                                                           "passwords",
                                                           "credential",
                                                           "api.key",
                                                           "apikey",
                                                           "private.key",
                                                           "access.key",
                                                           "database.url"};

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_word(char c) noexcept {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}
constexpr bool is_name(char c) noexcept { return is_word(c) || c == '.' || c == '_' || c == '-'; }

bool same(std::string_view text, std::string_view lower_case) noexcept {
    return std::ranges::equal(text, lower_case, [](char a, char b) {
        return lower(a) == b || (b == '.' && (a == '_' || a == '-'));
    });
}

bool has_name_at_its_end(std::string_view name, std::string_view wanted) noexcept {
    if (name.size() < wanted.size() || !same(name.substr(name.size() - wanted.size()), wanted)) return false;
    return name.size() == wanted.size() || !is_word(name[name.size() - wanted.size() - 1]);
}

/// Where the password of a URL that has its `://` at `mark` begins and ends, or two equal positions. A
/// password that holds an unescaped `/` is no valid URL, and still must not be seen.
std::pair<std::size_t, std::size_t> password_of_url(std::string_view text, std::size_t mark) noexcept {
    const std::size_t begin = mark + 3;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n\"'<>", begin), text.size());
    const std::string_view rest = text.substr(begin, end - begin);
    const std::size_t colon = rest.find(':');
    const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    if (colon > slash) return {begin, begin};
    const std::string_view behind_colon = rest.substr(colon + 1, slash - colon - 1);
    const bool is_port = behind_colon.find_first_not_of("0123456789") == std::string_view::npos;
    const std::size_t at = rest.substr(0, is_port ? slash : rest.size()).rfind('@');
    if (at == std::string_view::npos || colon >= at) return {begin, begin};
    return {begin + colon + 1, begin + at};
}

void redact_urls(std::string& text) {
    for (std::size_t mark = text.find("://"); mark != std::string::npos; mark = text.find("://", mark + 3)) {
        const auto [begin, end] = password_of_url(text, mark);
        if (begin != end) text.replace(begin, end - begin, redacted);
    }
}

std::size_t skip(std::string_view text, std::size_t from, std::string_view set) noexcept {
    return std::min(text.find_first_not_of(set, from), text.size());
}

/// The end of a value that begins at `from`: a quoted one at its quote, a bare one at a space or a separator.
std::size_t value_end(std::string_view text, std::size_t from) noexcept {
    if (from < text.size() && (text[from] == '"' || text[from] == '\''))
        return std::min(text.find(text[from], from + 1), text.size());
    return std::min(text.find_first_of(" \t\r\n,;&)}]", from), text.size());
}

/// The value behind the name that ends at `name_end`, if `=` or `:` stands between; else two equal positions.
std::pair<std::size_t, std::size_t> value_behind(std::string_view text, std::size_t name_end) noexcept {
    std::size_t at = name_end < text.size() && text[name_end] == '"' ? name_end + 1 : name_end;
    at = skip(text, at, " ");
    if (at == text.size() || (text[at] != '=' && text[at] != ':') || text.substr(at).starts_with("://"))
        return {at, at};
    std::size_t begin = skip(text, at + 1, " ");
    for (std::string_view scheme : {"Bearer ", "Basic ", "bearer ", "basic "})
        if (text.substr(begin).starts_with(scheme)) begin = skip(text, begin + scheme.size(), " ");
    const std::size_t end = value_end(text, begin);
    const bool quoted = begin < end && (text[begin] == '"' || text[begin] == '\'');
    return {quoted ? begin + 1 : begin, end};
}

} // namespace

bool is_secret_name(std::string_view name) noexcept {
    for (std::string_view whole : secret_names)
        if (has_name_at_its_end(name, whole)) return true;
    for (std::size_t begin = 0; begin < name.size();) {
        const auto* end = std::find_if_not(name.data() + begin, name.data() + name.size(), is_word);
        const std::string_view word(name.data() + begin, static_cast<std::size_t>(end - name.data()) - begin);
        for (std::string_view secret_word : secret_words)
            if (same(word, secret_word)) return true;
        begin += word.size() + 1;
    }
    return false;
}

std::string redact(std::string_view text) {
    std::string out(text);
    redact_urls(out);
    for (std::size_t begin = 0; begin < out.size();) {
        const auto* stop = std::find_if_not(out.data() + begin, out.data() + out.size(), is_name);
        const std::size_t end = static_cast<std::size_t>(stop - out.data());
        const std::string_view name(out.data() + begin, end - begin);
        begin = end + 1;
        if (name.empty() || !is_secret_name(name)) continue;
        const auto [first, last] = value_behind(out, end);
        if (first == last) continue;
        out.replace(first, last - first, redacted);
        begin = first + redacted.size();
    }
    return out;
}

} // namespace corvid

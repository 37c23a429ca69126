// SPDX-License-Identifier: Apache-2.0
//
// secret: text that must not be seen, and the one owner of what is held to be secret by its name. Logs,
// descriptions of settings and error texts ask here.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace corvid {

/// Stands where a secret was.
inline constexpr std::string_view redacted = "[redacted]";

/// Text that is only handed out by name. It has no operator<< and no conversion, so that it reaches no log by
/// accident.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) noexcept : text_(std::move(text)) {}

    [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    bool operator==(const secret&) const = default;

private:
    std::string text_;
};

/// Whether what goes by this name (a setting, a librdkafka property, a log field, a variable) is a secret:
/// librdkafka's own sensitive properties, registry credentials, and any name with a word such as password,
/// secret, token or dsn. Words are parted by anything but letters and digits; case does not count.
[[nodiscard]] bool is_secret_name(std::string_view name) noexcept;

/// `text` without the passwords of URLs (`scheme://user:…@`) and without the values that follow a secret name
/// (`password=…`, `"token": "…"`, `Authorization: Bearer …`).
[[nodiscard]] std::string redact(std::string_view text);

} // namespace corvid

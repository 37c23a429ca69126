// SPDX-License-Identifier: Apache-2.0
#include <corvid/base/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace corvid {

namespace {

constexpr std::array table = {
#define CORVID_ERROR(number, name, kind, summary, remedy) \
    error_code_info{errc::name, #name, error_kind::kind, summary, remedy},
#include <corvid/base/error_codes.def>
#undef CORVID_ERROR
};

static_assert(std::ranges::is_sorted(table, std::ranges::less_equal{}, &error_code_info::code));

} // namespace

struct error::body {
    mutable std::atomic<std::uint32_t> count{1};
    errc code;
    error_details details;
    body(errc c, error_details d) : code(c), details(std::move(d)) {}
};

error::handle::handle(const body* b) noexcept : get(b) {}
error::handle::handle(const handle& other) noexcept : get(other.get) {
    if (get) get->count.fetch_add(1, std::memory_order_relaxed);
}
error::handle::handle(handle&& other) noexcept : get(std::exchange(other.get, nullptr)) {}
error::handle& error::handle::operator=(handle other) noexcept {
    std::swap(get, other.get);
    return *this;
}
error::handle::~handle() {
    if (get && get->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete get;
}

std::span<const error_code_info> error_codes() noexcept { return table; }

const error_code_info& info_of(errc code) noexcept {
    auto row = std::ranges::lower_bound(table, code, {}, &error_code_info::code);
    return row != table.end() && row->code == code ? *row : table.front();
}

std::string_view to_string(error_kind kind) noexcept {
    switch (kind) {
    case error_kind::retriable:
        return "retriable";
    case error_kind::rejected:
        return "rejected";
    case error_kind::fatal:
        break;
    }
    return "fatal";
}

std::string to_string(errc code) { return "CVD-" + std::to_string(static_cast<unsigned>(code)); }

error::error(errc code, error_details details) : body_(new body(code, std::move(details))) {}

errc error::code() const noexcept { return body_.get->code; }
error_kind error::kind() const noexcept { return details().kind.value_or(info_of(code()).kind); }
const error_details& error::details() const noexcept { return body_.get->details; }
std::string_view error::operation() const noexcept { return details().operation; }
std::string_view error::topic() const noexcept { return details().topic; }
std::optional<std::int32_t> error::partition() const noexcept { return details().partition; }
std::optional<std::int64_t> error::offset() const noexcept { return details().offset; }
std::optional<int> error::native_code() const noexcept { return details().native_code; }
std::string_view error::sqlstate() const noexcept { return details().sqlstate; }
const error* error::cause() const noexcept { return details().cause.get(); }

std::string_view error::message() const noexcept {
    return details().message.empty() ? info_of(code()).summary : std::string_view(details().message);
}

std::string_view error::hint() const noexcept {
    return details().hint.empty() ? info_of(code()).remedy : std::string_view(details().hint);
}

std::string error::describe() const {
    std::string text = to_string(code()) + ' ' + std::string(to_string(kind())) + ": ";
    text.append(operation());
    if (!topic().empty()) text.append(operation().empty() ? "" : " ").append(topic());
    if (partition()) text.append("[" + std::to_string(*partition()) + "]");
    if (offset()) text.append("@" + std::to_string(*offset()));
    if (!operation().empty() || !topic().empty()) text.append(": ");
    text.append(message()).append("; remedy: ").append(hint());
    if (native_code()) text.append("; native code " + std::to_string(*native_code()));
    if (!sqlstate().empty()) text.append("; SQLSTATE ").append(sqlstate());
    if (cause()) text.append("; cause: ").append(cause()->describe());
    return text;
}

error caused_by(errc code, error_details details, error cause) {
    details.cause = std::make_shared<const error>(std::move(cause));
    return error(code, std::move(details));
}

config_error::config_error(error what) : std::runtime_error(what.describe()), why_(std::move(what)) {}

} // namespace corvid

// SPDX-License-Identifier: Apache-2.0
//
// Whatever a settings file or a variable holds: settings, or an error that says where and what to do. The
// input is the file; what follows its first zero byte is the value of a variable.
#include <corvid/service/detail/setting_text.hpp>
#include <corvid/service/settings.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void a_text_is_what_was_parsed(std::string_view text) {
    if (const auto time = corvid::detail::parse_duration(text))
        must(corvid::detail::parse_duration(corvid::detail::duration_text(*time)) == time);
    if (const auto size = corvid::detail::parse_size(text))
        must(corvid::detail::parse_size(corvid::detail::size_text(*size)) == size);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t zero = input.find('\0');
    const std::string_view file = input.substr(0, zero);
    const std::string value(zero == std::string_view::npos ? std::string_view() : input.substr(zero + 1));
    const corvid::environment variables = {{"CORVID_TOPICS", value}, {"X", value}};
    for (const auto& given : {corvid::environment{{"X", "1"}}, variables}) {
        const auto read = corvid::settings::parse(file, "fuzz.yaml", given);
        if (read)
            must(read->validate().has_value() && !read->describe().empty());
        else
            must(read.error().describe().starts_with("CVD-1"));
    }
    a_text_is_what_was_parsed(value);
    return 0;
}

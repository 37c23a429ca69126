// SPDX-License-Identifier: Apache-2.0
//
// Reading the members of a struct. Writers mostly keep one order, so the members are expected in the order of
// the list first (a comparison each, inlined); what comes otherwise is looked up by name.
#pragma once

#include <corvid/serde/json/member_lookup.hpp>
#include <corvid/serde/json/read_value.hpp>

namespace corvid::json {

namespace detail {

template <class T>
class structure_reader {
    static constexpr std::size_t count = corvid::reflect::member_count<T>;
    static constexpr auto& names = corvid::reflect::member_names<T>;
    static_assert(
        [] {
            for (std::string_view name : names)
                if (name.size() > max_name) return false;
            return true;
        }(),
        "corvid: a member's name is longer than 192 characters");

public:
    structure_reader(reader& in, T& to) noexcept : in_(in), to_(to) {}

    bool run() {
        if (!in_.begin_object()) return false;
        const char* key = in_.next_key();
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (expect<I>(key) && ...);
        }(std::make_index_sequence<count>{});
        if (failed_ || (key && !read_rest(key)) || in_.failed()) return false;
        return seen_ == all || fill_missing();
    }

private:
    static constexpr std::uint64_t all = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    using member_reader = bool (*)(structure_reader&);

    template <std::size_t I>
    bool read_member() {
        seen_ |= std::uint64_t{1} << I;
        return read_value(in_, corvid::reflect::member_of<I>(to_)) || in_.at(names[I]);
    }

    /// False ends the sweep: no member is left, or it failed.
    template <std::size_t I>
    bool expect(const char*& key) {
        if (!key) return false;
        constexpr std::string_view name = corvid::reflect::member_at<T, I>::name;
        if (!is_key(key, name)) return true;
        if (!read_member<I>()) return failed_ = true, false;
        key = in_.next_key();
        return true;
    }

    bool read_rest(const char* key) {
        static constexpr auto readers = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<member_reader, count>{
                +[](structure_reader& self) { return self.read_member<I>(); }...};
        }(std::make_index_sequence<count>{});
        for (; key; key = in_.next_key()) {
            const std::string_view name = in_.key();
            if (in_.failed()) return false;
            const std::size_t index = member_lookup<T>::find(name);
            if (index == corvid::reflect::no_member) {
                if (!in_.skip()) return in_.at_key(key);
            } else if ((seen_ >> index & 1) != 0) {
                in_.fail(errc::malformed_payload, "the member stands there twice");
                return in_.at(names[index]);
            } else if (!readers[index](*this)) {
                return false;
            }
        }
        return true;
    }

    /// Optionals are emptied, members with a default take it from a fresh T; any other is an error.
    bool fill_missing() {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (((seen_ >> I & 1) != 0 || fill_member<I>()) && ...);
        }(std::make_index_sequence<count>{});
    }

    template <std::size_t I>
    bool fill_member() {
        if constexpr (corvid_declared(corvid::reflect::tag<T>{}).options.defaults.contains(I)) {
            static const T fresh{};
            corvid::reflect::member_of<I>(to_) = corvid::reflect::member_of<I>(fresh);
            return true;
        } else if constexpr (kind_of<corvid::reflect::member_type<T, I>> == kind::optional) {
            corvid::reflect::member_of<I>(to_).reset();
            return true;
        } else {
            in_.fail(errc::missing_member, "the member is missing");
            return in_.at(names[I]);
        }
    }

    reader& in_;
    T& to_;
    std::uint64_t seen_ = 0;
    bool failed_ = false;
};

} // namespace detail

template <class T>
bool read_structure(reader& in, T& to) {
    return detail::structure_reader<T>(in, to).run();
}

} // namespace corvid::json

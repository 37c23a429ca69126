// SPDX-License-Identifier: Apache-2.0
//
// prng: the one source of pseudo-random numbers, always seeded by its owner, so that a run can be repeated
// from its seed. Not for secrets. One object a loop; not safe for concurrent use.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace corvid {

/// xoshiro256++ (Blackman, Vigna 2019), its state spread from the seed by splitmix64. The sequence of a seed
/// is part of the contract: it is the same on every platform and in every release.
class prng {
public:
    using result_type = std::uint64_t;

    explicit constexpr prng(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15U;
            std::uint64_t mixed = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9U;
            mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
            word = mixed ^ (mixed >> 31U);
        }
    }

    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

    constexpr result_type operator()() noexcept {
        const std::uint64_t drawn = std::rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t shifted = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return drawn;
    }

    /// Uniform in [0, 1).
    constexpr double uniform() noexcept { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

    /// Uniform in [0, n), without bias; `n` must be above 0.
    constexpr std::uint64_t below(std::uint64_t n) noexcept {
        const std::uint64_t rejected = (0 - n) % n;
        std::uint64_t drawn = (*this)();
        while (drawn < rejected)
            drawn = (*this)();
        return drawn % n;
    }

    /// True with probability `p`: never at 0, always at 1.
    constexpr bool chance(double p) noexcept { return uniform() < p; }

private:
    std::array<std::uint64_t, 4> state_{};
};

/// A seed from the system's entropy. Only composition roots call it: everything below takes its seed as a
/// parameter.
[[nodiscard]] std::uint64_t entropy_seed();

} // namespace corvid

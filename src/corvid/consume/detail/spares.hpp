// SPDX-License-Identifier: Apache-2.0
//
// spares: a few objects that are used one after the other by whichever thread needs one, kept with what they
// have grown to (a message's strings). Lock-free; a thread finds the one that it put back.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace corvid::detail {

template <class T>
class spares {
public:
    spares() = default;
    spares(const spares&) = delete;
    spares& operator=(const spares&) = delete;
    ~spares() {
        for (place& each : places_)
            delete each.kept.load(std::memory_order_relaxed);
    }

    /// One object, put back when this goes.
    class loan {
    public:
        loan(spares& of, std::size_t seat)
            : place_(of.places_[seat % most].kept), taken_(place_.exchange(nullptr)) {
            if (!taken_) taken_ = new T{};
        }
        loan(const loan&) = delete;
        loan& operator=(const loan&) = delete;
        ~loan() { delete place_.exchange(taken_); }
        [[nodiscard]] T& operator*() const noexcept { return *taken_; }

    private:
        std::atomic<T*>& place_;
        T* taken_;
    };

private:
    static constexpr std::size_t most = 17;
    struct alignas(64) place {
        std::atomic<T*> kept{nullptr};
    };
    std::array<place, most> places_;
};

} // namespace corvid::detail

// SPDX-License-Identifier: Apache-2.0
//
// Stands in where nlohmann/json is not installed: these arms cannot run.
#include <bench/serde/shapes.hpp>

namespace corvid::bench {

template <class T>
std::unique_ptr<codec<T>> nlohmann_codec() {
    return nullptr;
}
template std::unique_ptr<codec<flight>> nlohmann_codec();
template std::unique_ptr<codec<booking>> nlohmann_codec();

} // namespace corvid::bench

// SPDX-License-Identifier: Apache-2.0
// expect: Value
#include <corvid/serde/json/json.hpp>

struct flight {
    int row = 0;
};
corvid::result<flight> read(std::string_view text) { return corvid::json::decode<flight>(text); }

// SPDX-License-Identifier: Apache-2.0
// expect: corvid: a middleware takes (corvid::context&, corvid::next_call) and returns a corvid::outcome
// errors: 1
#include <corvid/middleware/middleware.hpp>

corvid::middleware wrong = [](corvid::context&) { return corvid::outcome(corvid::done); };

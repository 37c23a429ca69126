// SPDX-License-Identifier: Apache-2.0
#include <corvid/version.hpp>

#include <cstdio>

int main() {
    std::printf("corvid %s\n", corvid::version);
    return 0;
}

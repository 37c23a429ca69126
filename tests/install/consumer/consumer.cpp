// SPDX-License-Identifier: Apache-2.0
#include <corvid/model/topic_name.hpp>
#include <corvid/version.hpp>

#include <cstdio>

// A user's first lines: what headers promise is linked, and an error tells its subject.
int main() {
    const auto good = corvid::topic_name::checked("air.flight.departed");
    const auto bad = corvid::topic_name::checked("not a topic");
    std::printf("corvid %s\n", corvid::version);
    return good && !bad && bad.error().message().find("not a topic") != std::string::npos ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
// expect: corvid: wide lists more than 52 members: nest some in a CORVID_VALUE
#include <corvid/message/message.hpp>

struct wide {
    int m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19,
        m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39,
        m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52;
};
CORVID_MESSAGE(wide,
               (m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13, m14, m15, m16, m17, m18,
                m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37,
                m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48, m49, m50, m51, m52),
               .topic = "air.flight.departed");
